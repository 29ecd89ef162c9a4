"""The centre crop, by which a network sees an image larger than its input."""

from __future__ import annotations

from ..caffe.errors import CaffeError

Size = tuple[int, int]


def centre(outer: Size, inner: Size) -> tuple[slice, slice]:
    """The rows and columns of the window `inner` in the middle of `outer`: it starts at (outer - inner) // 2."""
    if inner[0] > outer[0] or inner[1] > outer[1]:
        raise CaffeError(f"no {inner[0]}x{inner[1]} window fits into an image of {outer[0]}x{outer[1]}")
    top, left = (outer[0] - inner[0]) // 2, (outer[1] - inner[1]) // 2
    return slice(top, top + inner[0]), slice(left, left + inner[1])
