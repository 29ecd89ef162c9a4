"""One neuron."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ...errors import DgnamError
from .objective import Term, check_unit_index

_TEXT = re.compile(r"(?P<layer>.+):(?P<index>\d+)(@(?P<y>\d+)(,(?P<x>\d+))?)?")


@dataclass(frozen=True)
class Unit(Term):
    """Unit `index` of `layer`, at one position if the layer is convolutional.

    Its value is that of the layer's first top, before any in-place ReLU after it.

    xy: position (row, column), or one number for both, as in the published code.
    """

    layer: str
    index: int
    xy: int | tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.xy, tuple) and self.xy[0] == self.xy[1]:  # so that equal positions compare equal
            object.__setattr__(self, "xy", self.xy[0])

    @classmethod
    def parse(cls, text: str) -> Unit:
        """A unit from text: `fc8:643`; `conv5:55@6` or `conv5:55@6,6` for the position (6, 6)."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise DgnamError(f"unit '{text}': write layer:index or layer:index@row,column, as fc8:643 or conv5:55@6,6")
        y, x = match["y"], match["x"]
        xy = None if y is None else int(y) if x is None else (int(y), int(x))
        return cls(match["layer"], int(match["index"]), xy)

    def __str__(self) -> str:
        place = "" if self.xy is None else f"@{self.xy}" if isinstance(self.xy, int) else f"@{self.xy[0]},{self.xy[1]}"
        return f"{self.layer}:{self.index}{place}"

    def check(self, shape: Sequence[int]) -> None:
        self.offset(shape)

    def offset(self, shape: Sequence[int]) -> int:
        """Index of the value in one image's values, flattened from `shape`: (C,) or (C, H, W)."""
        channels, *plane = shape
        check_unit_index(self, self.index, channels)
        if all(size == 1 for size in plane):
            return self.index
        if len(plane) != 2:
            raise DgnamError(f"unit {self}: layer '{self.layer}' of shape {tuple(shape)} has no positions")
        height, width = plane
        y, x = (-1, -1) if self.xy is None else (self.xy, self.xy) if isinstance(self.xy, int) else self.xy
        if not (0 <= y < height and 0 <= x < width):
            raise DgnamError(
                f"unit {self}: layer '{self.layer}' of shape {tuple(shape)} takes a position (row, column) from (0, 0) "
                f"to ({height - 1}, {width - 1}), as {self.layer}:{self.index}@{height // 2},{width // 2}"
            )
        return (self.index * height + y) * width + x

    def measure(self, values: Tensor) -> Tensor:
        return values.flatten(1)[:, self.offset(values.shape[1:])]
