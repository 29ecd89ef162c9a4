"""Memory of float32 numbers, on the host, on a device or on both, synchronized on access as by Caffe's SyncedMemory.

Requesting a view marks the host's copy as the current one.  Gradients of low rank wait in it as products.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import CaffeError

HOST = torch.device("cpu")
GATHERED = 16
"""How many rows of factors wait at most: adding 16 products of one row each costs little more than adding one."""


class Product(NamedTuple):
    """The matrix left' right, for a gradient that is added to a diff without being formed.

    A fully connected layer's gradient of a few images is of low rank: its factors have thousands of numbers, the matrix
    has millions.

    left: (n, rows).  right: (n, columns).
    """

    left: Tensor
    right: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        return self.left.shape[1], self.right.shape[1]

    def add_to(self, values: Tensor) -> None:
        """Add the matrix to the first rows * columns of `values`, in place."""
        values.view(-1)[: math.prod(self.shape)].view(self.shape).addmm_(self.left.t(), self.right)


class SyncedMemory:
    """`count` float32 numbers on the host, on a device or on both, initially zero.

    Memory is allocated at first use: an unused diff costs nothing.
    """

    def __init__(self, count: int):
        self.count = count
        self.head: Literal["nowhere", "host", "device", "both"] = "nowhere"
        self._host: Tensor | None = None
        self._device: Tensor | None = None
        self._where = HOST
        self._viewed = False
        self._first: Callable[[Tensor], object] | None = None
        self._waiting: list[Product] = []

    def view(self) -> np.ndarray:
        """Return the host's numbers, flat, as a view that stays valid for reading and writing."""
        self._viewed = True
        return self.on(HOST, mutable=True).numpy()

    def on(self, device: torch.device, *, mutable: bool = False) -> Tensor:
        """Return the numbers on `device`, flat; `mutable` if the caller changes them."""
        if self._waiting:
            self._add_waiting()
        if device == HOST:
            values = self._host if self._host is not None and self.head != "device" else self._to_host()
            self.head = "host" if mutable else self.head
        else:
            values = self._to_device(device)
            self.head = "device" if mutable else self.head
        return values

    def gpu_address(self) -> int:
        """Return the address of the numbers on the GPU that has them, or else on the current one, as the valid copy."""
        if not torch.cuda.is_available():
            raise AttributeError("torch sees no GPU on this machine")
        device = torch.device("cuda", torch.cuda.current_device()) if self._where == HOST else self._where
        return self.on(device, mutable=True).data_ptr()

    def put(self, values: Tensor, *, fresh: bool) -> None:
        """Store `values` on their own device.

        A `fresh` tensor, referenced by nothing else, becomes the memory itself, unless a numpy view of the memory must
        stay valid.
        """
        self._first = None
        if values.numel() < self.count and self._waiting:
            self._add_waiting()
        self._waiting = []
        on_host = values.device == HOST
        now = self._host if on_host else self._device
        if now is not None and values.data_ptr() == now.data_ptr():
            self.head = "host" if on_host else "device"
            return
        adopt = fresh and values.numel() == self.count and not (on_host and self._viewed)
        if on_host:
            if adopt:
                self._host = values.view(-1)
            else:
                self._allocate_host()[: values.numel()].copy_(values.reshape(-1))
            self.head = "host"
            return
        if adopt:
            self._device, self._where = values.view(-1), values.device
        else:
            self._to_device(values.device)[: values.numel()].copy_(values.reshape(-1))
        self.head = "device"

    def add(self, product: Product) -> None:
        """Add a product: on the host later, with others of its shape, unless a numpy view shows the numbers.

        Whatever reads or changes the numbers adds it first, by copies of its factors as they are now.  What is cleared
        before is never computed.
        """
        if self._waiting and self._waiting[0].shape != product.shape:
            self._add_waiting()
        if self._viewed or product.left.device != HOST or len(product.left) >= GATHERED:
            product.add_to(self.on(product.left.device, mutable=True))
            return
        self._waiting.append(Product(product.left.clone(), product.right.clone()))
        if sum(len(waiting.left) for waiting in self._waiting) >= GATHERED:
            self._add_waiting()

    def fill(self, first: Callable[[Tensor], object]) -> None:
        """Initialize the numbers by `first`, called with the flat host memory; deferred to the first use if unused."""
        if self.head == "nowhere" and not self._waiting:
            self._first = first
        else:
            first(self.on(HOST, mutable=True))

    def drop(self) -> None:
        """Free the memory before the numbers are recomputed, unless a numpy view of it exists."""
        if not self._viewed:
            self._host = self._device = self._first = None
            self._waiting = []
            self.head = "nowhere"

    def clear(self) -> None:
        """Set all numbers to zero; unused memory stays unallocated."""
        self._first = None
        self._waiting = []
        if self.head == "device":
            assert self._device is not None
            self._device.zero_()
        elif self.head != "nowhere":
            self.on(HOST, mutable=True).zero_()

    def _add_waiting(self) -> None:
        left, right = zip(*self._waiting, strict=True)
        self._waiting = []
        Product(torch.cat(left), torch.cat(right)).add_to(self.on(HOST, mutable=True))

    def _to_host(self) -> Tensor:
        if self.head == "nowhere":
            self.head = "host"
        host = self._allocate_host()
        if self._first is not None:
            first, self._first = self._first, None
            first(host)
        if self.head == "device":
            assert self._device is not None
            host.copy_(self._device)
            self.head = "both"
        return host

    def _to_device(self, device: torch.device) -> Tensor:
        if self._device is not None and self._where != device:
            self._to_host()
            self._device, self.head = None, "host"
        if self.head == "nowhere":
            if self._first is None:
                self.head = "device"
            else:
                self._to_host()
        there = self._allocate_device(device)
        if self.head == "host":
            assert self._host is not None
            there.copy_(self._host)
            self.head = "both"
        return there

    def _allocate_host(self) -> Tensor:
        if self._host is None:
            self._host = self._zeros(HOST)
        return self._host

    def _allocate_device(self, device: torch.device) -> Tensor:
        if self._device is None:
            self._device, self._where = self._zeros(device), device
        return self._device

    def _zeros(self, device: torch.device) -> Tensor:
        try:
            return torch.zeros(self.count, dtype=torch.float32, device=device)
        except (RuntimeError, MemoryError):
            raise CaffeError(f"out of memory on {device} for a blob of {self.count} numbers") from None


def addresses(tensors: Iterable[object]) -> set[int]:
    """Return the memory addresses of the tensors in `tensors`."""
    return {t.data_ptr() for t in tensors if isinstance(t, Tensor)}


def is_fresh(values: Tensor, held: Container[int]) -> bool:
    """Return whether a blob can adopt the memory of `values`: exclusively owned, contiguous, not in `held`."""
    return (
        values.data_ptr() not in held
        and values.dtype == torch.float32
        and values.is_contiguous()
        and values.untyped_storage().nbytes() == 4 * values.numel()
    )
