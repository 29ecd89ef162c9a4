"""Blobs: a net's arrays, each with data and diff, as numpy views that alias the memory.

A view handed out stays valid from pass to pass: what a net computes later appears in it, and what is written into it
is what the net computes with next.  With a GPU the numbers live on both sides and are copied when the other side asks
for them, as Caffe's SyncedMemory does; a view handed out makes the host's side the newer one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Sequence
from operator import index
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..errors import ArgumentError, CaffeError

HOST = torch.device("cpu")
MAX_AXES = 32
MAX_COUNT = 2**31 - 1
"""As many numbers as a blob of real Caffe's can hold."""


class SyncedMemory:
    """`count` float32 numbers on the host, on a device, or on both; zero until something is written.

    Nothing is allocated before its first use, so that the diff of a blob that no backward pass reaches is free.
    """

    def __init__(self, count: int):
        self.count = count
        self.head: Literal["nowhere", "host", "device", "both"] = "nowhere"
        self._host: Tensor | None = None
        self._device: Tensor | None = None
        self._where = HOST
        self._viewed = False
        self._first: Callable[[Tensor], object] | None = None

    def view(self) -> np.ndarray:
        """The host's numbers, flat, to read and to write from now on."""
        self._viewed = True
        return self.on(HOST, mutable=True).numpy()

    def on(self, device: torch.device, *, mutable: bool = False) -> Tensor:
        """The numbers on `device`, flat; `mutable` says that the caller changes them."""
        if device == HOST:
            values = self._host if self._host is not None and self.head != "device" else self._to_host()
            self.head = "host" if mutable else self.head
        else:
            values = self._to_device(device)
            self.head = "device" if mutable else self.head
        return values

    def put(self, values: Tensor, *, fresh: bool) -> None:
        """Make `values` the numbers, on the device they are on.

        A `fresh` tensor, one that nobody else holds, becomes the memory itself, unless a numpy view of the memory
        is in use and must stay valid.
        """
        self._first = None
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

    def fill(self, first: Callable[[Tensor], object]) -> None:
        """Let `first` write the numbers, flat on the host: at once, or at their first use where there are none yet."""
        if self.head == "nowhere":
            self._first = first
        else:
            first(self.on(HOST, mutable=True))

    def drop(self) -> None:
        """Give up the numbers, which are about to be computed anew, so that old and new need no memory at once.

        Numbers that a numpy view may show stay.
        """
        if not self._viewed:
            self._host = self._device = self._first = None
            self.head = "nowhere"

    def clear(self) -> None:
        """Set all numbers to zero, where there are any."""
        self._first = None
        if self.head == "device":
            assert self._device is not None
            self._device.zero_()
        elif self.head != "nowhere":
            self.on(HOST, mutable=True).zero_()

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
            raise CaffeError(f"no memory on {device} for a blob of {self.count} numbers") from None


class Blob:
    """An array of up to 32 axes with `data` and `diff`, float32; images are (N, C, H, W).

    Reshaping keeps the memory while the numbers fit into it, and with it the views handed out.
    """

    def __init__(self, *shape: int):
        self._shape: tuple[int, ...] = ()
        self._count = 1
        self._data = SyncedMemory(1)
        self._diff = SyncedMemory(1)
        self.reshape(*shape)

    def __repr__(self) -> str:
        return f"Blob(shape={self._shape})"

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return self._count

    @property
    def data(self) -> np.ndarray:
        """The values: an array that aliases the memory."""
        return self._data.view()[: self._count].reshape(self._shape)

    @property
    def diff(self) -> np.ndarray:
        """The gradient: an array that aliases the memory."""
        return self._diff.view()[: self._count].reshape(self._shape)

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
        """Take another shape; the memory is replaced, by zeros, only where it is too small."""
        if shape == self._shape:
            return
        shape = _axes(shape)
        check_shape(shape)
        self._shape, self._count = shape, math.prod(shape)
        if self._count > self._data.count:
            self._data = SyncedMemory(self._count)
        if self._count > self._diff.count:
            self._diff = SyncedMemory(self._count)

    def share_data(self, other: Blob) -> None:
        """Take `other`'s data as one's own memory; the counts must be equal."""
        self._check_count(other)
        self._data = other._data

    def share_diff(self, other: Blob) -> None:
        """Take `other`'s diff as one's own memory; the counts must be equal."""
        self._check_count(other)
        self._diff = other._diff

    def data_on(self, device: torch.device, *, mutable: bool = False) -> Tensor:
        """The values as a tensor on `device`; `mutable` says that the caller changes them."""
        return self._shaped(self._data.on(device, mutable=mutable))

    def diff_on(self, device: torch.device, *, mutable: bool = False) -> Tensor:
        """The gradient as a tensor on `device`; `mutable` says that the caller changes it."""
        return self._shaped(self._diff.on(device, mutable=mutable))

    def put_data(self, values: Tensor, *, fresh: bool = False) -> None:
        """Make `values`, of this shape, the data; see `SyncedMemory.put`."""
        self._data.put(values, fresh=fresh)

    def drop_data(self) -> None:
        """Give up the data, which are about to be computed anew; see `SyncedMemory.drop`."""
        self._data.drop()

    def put_diff(self, values: Tensor, *, fresh: bool = False) -> None:
        """Make `values`, of this shape, the diff; see `SyncedMemory.put`."""
        self._diff.put(values, fresh=fresh)

    def fill_data(self, first: Callable[[Tensor], object]) -> None:
        """Let `first` write the data, a tensor of this shape, at once or at the first use; see `SyncedMemory.fill`."""
        self._data.fill(self._in_shape(first))

    def fill_diff(self, first: Callable[[Tensor], object]) -> None:
        """Let `first` write the diff, a tensor of this shape, at once or at the first use; see `SyncedMemory.fill`."""
        self._diff.fill(self._in_shape(first))

    def add_diff(self, values: Tensor) -> None:
        """Add `values` to the diff, as gradients of parameters accumulate."""
        self.diff_on(values.device, mutable=True).add_(values.reshape(self._shape))

    def clear_diff(self) -> None:
        """Set the diff to zero; one that was never used stays without memory."""
        self._diff.clear()

    def _shaped(self, flat: Tensor) -> Tensor:
        if flat.numel() != self._count:
            flat = flat[: self._count]
        return flat.view(self._shape)

    def _in_shape(self, first: Callable[[Tensor], object]) -> Callable[[Tensor], object]:
        count, shape = self._count, self._shape
        return lambda flat: first(flat[:count].view(shape))

    def _check_count(self, other: Blob) -> None:
        if self._count != other.count:
            raise CaffeError(f"a blob of shape {self._shape} can't share the memory of one of shape {other.shape}")

    def _legacy_axis(self, axis: int) -> int:
        """An axis by its old name, 1 where the blob has fewer."""
        if len(self._shape) > 4:
            raise CaffeError(f"num, channels, height and width are for at most 4 axes, and this shape is {self._shape}")
        return self._shape[axis] if axis < len(self._shape) else 1


class BlobVec(list[Blob]):
    """The learned blobs of a layer, as pycaffe lists them."""

    def add_blob(self, *shape: int) -> None:
        """Append a blob of this shape, of zeros."""
        self.append(Blob(*shape))


def _axes(shape: Sequence[int]) -> tuple[int, ...]:
    try:
        return tuple(index(n) for n in shape)
    except TypeError:
        raise ArgumentError(
            f"a blob's axes are whole numbers, as in reshape(1, 3, 227, 227), and got {shape}"
        ) from None


def check_shape(shape: Sequence[int]) -> None:
    """Raise CaffeError unless a blob can have `shape`: Caffe's limits."""
    if len(shape) > MAX_AXES:
        raise CaffeError(f"a blob can't have {len(shape)} axes: at most {MAX_AXES}")
    if any(not 0 <= n <= MAX_COUNT for n in shape) or math.prod(shape) > MAX_COUNT:
        raise CaffeError(f"a blob can't have shape {tuple(shape)}: none negative, and at most {MAX_COUNT} numbers")


def addresses(tensors: Iterable[object]) -> set[int]:
    """Where the memory of the tensors among `tensors` begins."""
    return {t.data_ptr() for t in tensors if isinstance(t, Tensor)}


def is_fresh(values: Tensor, held: Container[int]) -> bool:
    """Whether a tensor fills memory of its own that can become a blob's: all of it, and none that begins in `held`."""
    return (
        values.data_ptr() not in held
        and values.dtype == torch.float32
        and values.is_contiguous()
        and values.untyped_storage().nbytes() == 4 * values.numel()
    )
