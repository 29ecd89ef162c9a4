"""One neuron."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsIndex

from torch import Tensor

from ...errors import DgnamError
from ...zoo.layers import positions, units
from ..argument_types import check_types
from .objective import Term, check_unit_index

_TEXT = re.compile(r"(?P<layer>.+):(?P<index>\d+)(@(?P<y>\d+)(,(?P<x>\d+))?)?")


@dataclass(frozen=True)
class Unit(Term):
    """Unit `index` of `layer`, at one position if the layer is convolutional, of one token in a transformer's layer.

    Its value is that of the layer's first top, before any in-place ReLU after it.

    xy: position (row, column), or one number for both, as in the published code; the number of a token.  A layer
        without positions has the position 0 alone.
    """

    layer: str
    index: int
    xy: int | tuple[int, int] | None = None

    def __post_init__(self) -> None:
        check_types(Unit.__init__, vars(self))
        object.__setattr__(self, "index", int(self.index))
        if self.xy is not None:
            row, column = map(int, (self.xy, self.xy) if isinstance(self.xy, SupportsIndex) else self.xy)
            # So that equal positions compare equal.
            object.__setattr__(self, "xy", row if row == column else (row, column))

    @classmethod
    def parse(cls, text: str) -> Unit:
        """A unit from text: `fc8:643`; `conv5:55@6` or `conv5:55@6,6` for the position (6, 6); `block:5@0`, a token."""
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
        """Index of the value in one image's values, flattened from `shape`: (C,), (T, C) or (C, H, W)."""
        check_unit_index(self, self.index, units(shape))
        plane = positions(shape)
        if not plane:
            if self.xy not in (None, 0):
                raise DgnamError(f"unit {self}: layer '{self.layer}' has no positions to choose from: leave xy out")
            return self.index
        if len(plane) == 1:
            return self._token(plane[0]) * units(shape) + self.index
        if len(plane) != 2:
            raise DgnamError(
                f"unit {self}: layer '{self.layer}' of shape {tuple(shape)} has positions of {len(plane)} axes, which "
                f"can't be told apart here; ask for the mean over them, {self.layer}:{self.index}@all"
            )
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

    def _token(self, tokens: int) -> int:
        """The token asked for, of so many."""
        if not isinstance(self.xy, int) or not 0 <= self.xy < tokens:
            raise DgnamError(
                f"unit {self}: layer '{self.layer}' has {tokens} tokens, 0 to {tokens - 1}: say which one, as "
                f"{self.layer}:{self.index}@{tokens // 2}, or ask for the mean over them, {self.layer}:{self.index}@all"
            )
        return self.xy
