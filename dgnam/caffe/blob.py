"""Blobs: a net's arrays, each with data and diff, exposed as numpy views of the memory.

A view stays valid from pass to pass: later results appear in it, and values written into it are used by the next pass.
On a GPU, host and device each hold a copy, synchronized on access as by Caffe's SyncedMemory; requesting a view marks
the host's copy as the current one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Sequence
from operator import index
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import ArgumentError, CaffeError
from .wiring.vectors import IntVec, Vector

HOST = torch.device("cpu")
MAX_AXES = 32
MAX_COUNT = 2**31 - 1
"""Caffe's limit for the numbers in a blob."""
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
            return torch.zeros(self.count, device=device)
        except (RuntimeError, MemoryError):
            raise CaffeError(f"out of memory on {device} for a blob of {self.count} numbers") from None


class Blob:
    """An array of up to 32 axes with `data` and `diff`, float32; images are (N, C, H, W).

    Reshaping keeps the memory, and views of it, as long as it is large enough.

    axes: the shape, which `reshape` changes.
    on_diff: called when `diff` is read; None for nothing.
    """

    on_diff: Callable[[], object] | None = None

    def __init__(self, *shape: int):
        self.axes: tuple[int, ...] = ()
        self._count = 1
        self._data = SyncedMemory(1)
        self._diff = SyncedMemory(1)
        self.reshape(*shape)

    def __repr__(self) -> str:
        return f"Blob(shape={self.axes})"

    @property
    def shape(self) -> IntVec:
        """The axes as the caller's own list: scripts change one of them and pass all to `reshape`."""
        return IntVec(self.axes)

    @property
    def count(self) -> int:
        """The number of elements."""
        return self._count

    @property
    def data(self) -> np.ndarray:
        """The values, as a view of the memory."""
        return self._data.view()[: self._count].reshape(self.axes)

    @property
    def diff(self) -> np.ndarray:
        """The gradient, as a view of the memory."""
        if self.on_diff is not None:
            self.on_diff()
        return self._diff.view()[: self._count].reshape(self.axes)

    @property
    def _gpu_data_ptr(self) -> int:
        """The address of the values on the GPU, as current ones; valid until the next pass.

        Without a GPU the attribute is missing, as in a pycaffe built without CUDA.
        """
        return self._data.gpu_address()

    @property
    def _gpu_diff_ptr(self) -> int:
        """The address of the gradient on the GPU; see `_gpu_data_ptr`."""
        return self._diff.gpu_address()

    @property
    def num(self) -> int:
        return self._legacy_axis(0)

    @property
    def channels(self) -> int:
        return self._legacy_axis(1)

    @property
    def height(self) -> int:
        return self._legacy_axis(2)

    @property
    def width(self) -> int:
        return self._legacy_axis(3)

    def reshape(self, *shape: int) -> None:
        """Change the shape; memory that is too small is replaced by zeros."""
        if shape == self.axes:
            return
        shape = _axes(shape)
        check_shape(shape)
        self.axes, self._count = shape, math.prod(shape)
        if self._count > self._data.count:
            self._data = SyncedMemory(self._count)
        if self._count > self._diff.count:
            self._diff = SyncedMemory(self._count)

    def share_data(self, other: Blob) -> None:
        """Use `other`'s data memory; the counts must be equal."""
        self._check_count(other)
        self._data = other._data

    def share_diff(self, other: Blob) -> None:
        """Use `other`'s diff memory; the counts must be equal."""
        self._check_count(other)
        self._diff = other._diff

    def data_on(self, device: torch.device, *, mutable: bool = False) -> Tensor:
        """Return the values as a tensor on `device`; `mutable` if the caller changes them."""
        return self._shaped(self._data.on(device, mutable=mutable))

    def diff_on(self, device: torch.device, *, mutable: bool = False) -> Tensor:
        """Return the gradient as a tensor on `device`; `mutable` if the caller changes it."""
        return self._shaped(self._diff.on(device, mutable=mutable))

    def put_data(self, values: Tensor, *, fresh: bool = False) -> None:
        """Store `values`, of this shape, as the data; see `SyncedMemory.put`."""
        self._data.put(values, fresh=fresh)

    def drop_data(self) -> None:
        """Free the data before they are recomputed; see `SyncedMemory.drop`."""
        self._data.drop()

    def put_diff(self, values: Tensor, *, fresh: bool = False) -> None:
        """Store `values`, of this shape, as the diff; see `SyncedMemory.put`."""
        self._diff.put(values, fresh=fresh)

    def fill_data(self, first: Callable[[Tensor], object]) -> None:
        """Initialize the data, a tensor of this shape, by `first`; see `SyncedMemory.fill`."""
        self._data.fill(self._in_shape(first))

    def fill_diff(self, first: Callable[[Tensor], object]) -> None:
        """Initialize the diff, a tensor of this shape, by `first`; see `SyncedMemory.fill`."""
        self._diff.fill(self._in_shape(first))

    def add_diff(self, values: Tensor | Product) -> None:
        """Add `values` to the diff: gradients of parameters accumulate; see `SyncedMemory.add`."""
        if isinstance(values, Product):
            self._diff.add(values)
        else:
            self.diff_on(values.device, mutable=True).add_(values.reshape(self.axes))

    def clear_diff(self) -> None:
        """Set the diff to zero; an unused one stays unallocated."""
        self._diff.clear()

    def _shaped(self, flat: Tensor) -> Tensor:
        if flat.numel() != self._count:
            flat = flat[: self._count]
        return flat.view(self.axes)

    def _in_shape(self, first: Callable[[Tensor], object]) -> Callable[[Tensor], object]:
        count, shape = self._count, self.axes
        return lambda flat: first(flat[:count].view(shape))

    def _check_count(self, other: Blob) -> None:
        if self._count != other.count:
            raise CaffeError(f"a blob of shape {self.axes} can't share the memory of one of shape {other.axes}")

    def _legacy_axis(self, axis: int) -> int:
        """Return the size of an axis by its legacy name; 1 for a missing axis."""
        if len(self.axes) > 4:
            raise CaffeError(f"num, channels, height and width need at most 4 axes; the shape is {self.axes}")
        return self.axes[axis] if axis < len(self.axes) else 1


class BlobVec(Vector[Blob]):
    """A layer's learned blobs, or a net's blobs, as a list with pycaffe's `add_blob`."""

    def add_blob(self, *shape: int) -> None:
        """Append a blob of zeros."""
        self.append(Blob(*shape))


class RawBlobVec(Vector[Blob]):
    """The bottoms or tops of a Python layer."""


def _axes(shape: Sequence[int]) -> tuple[int, ...]:
    try:
        return tuple(index(n) for n in shape)
    except TypeError:
        raise ArgumentError(f"a blob's axes are whole numbers, as in reshape(1, 3, 227, 227); got {shape}") from None


def check_shape(shape: Sequence[int]) -> None:
    """Raise CaffeError if `shape` exceeds Caffe's limits."""
    if len(shape) > MAX_AXES:
        raise CaffeError(f"a blob can't have {len(shape)} axes: at most {MAX_AXES}")
    if any(not 0 <= n <= MAX_COUNT for n in shape) or math.prod(shape) > MAX_COUNT:
        raise CaffeError(f"a blob can't have shape {tuple(shape)}: none negative, and at most {MAX_COUNT} numbers")


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
