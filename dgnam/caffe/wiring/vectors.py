"""The types of pycaffe's lists, which scripts compare by `type(x) is caffe._caffe.BlobVec`.

They are lists; a slice of one has its type.  Those of blobs are in `blob.py`.
"""

from __future__ import annotations

from typing import Any, SupportsIndex, TypeVar, overload

T = TypeVar("T")


class Vector(list[T]):
    """Base of the types."""

    @overload
    def __getitem__(self, place: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Vector[T]: ...
    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return type(self)(found) if isinstance(place, slice) else found


class IntVec(Vector[int]):
    """Whole numbers, such as a blob's `shape`; equal to the tuple of them."""

    def __eq__(self, other: object) -> bool:
        return tuple(self) == other if isinstance(other, tuple) else super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:  # type: ignore[override]  # a list has none, and pycaffe's vectors have one
        return hash(tuple(self))


class DtypeVec(Vector[float]):
    """Numbers, such as a net's `_blob_loss_weights`."""


class BoolVec(Vector[bool]):
    """Flags, such as a Python layer's `propagate_down`."""


class StringVec(Vector[str]):
    """Names, such as a net's `_layer_names`."""


class LayerVec(Vector[Any]):
    """A net's `layers`."""


class NetVec(Vector[Any]):
    """A solver's `test_nets`."""
