"""Blobs: a net's arrays, each with data and diff, exposed as numpy views of the memory.

A view stays valid from pass to pass: later results appear in it, and values written into it are used by the next pass.
On a GPU, host and device each hold a copy (`syncedmem.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import index

import numpy as np
import torch
from torch import Tensor

from ..errors import ArgumentError, CaffeError
from .syncedmem import Product, SyncedMemory
from .wiring.vectors import IntVec, Vector

MAX_AXES = 32
MAX_COUNT = 2**31 - 1
"""Caffe's limit for the numbers in a blob."""


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
