"""What is maximized: the value of a unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..caffe.errors import CaffeError

_TEXT = re.compile(r"(?P<layer>.+):(?P<index>\d+)(@(?P<xy>\d+))?")


@dataclass(frozen=True)
class Unit:
    """One neuron: unit `index` of `layer`, in a convolutional layer at the one position (xy, xy).

    Its value is that of the layer's first top as the layer leaves it, so before an in-place ReLU that follows.
    """

    layer: str
    index: int
    xy: int | None = None

    @classmethod
    def parse(cls, text: str) -> Unit:
        """A unit from text: `fc8:643`, or `conv5:55@6` for the position (6, 6)."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise CaffeError(f"unit '{text}': write layer:index or layer:index@xy, as fc8:643 or conv5:55@6")
        xy = match["xy"]
        return cls(match["layer"], int(match["index"]), None if xy is None else int(xy))

    def __str__(self) -> str:
        return f"{self.layer}:{self.index}" + ("" if self.xy is None else f"@{self.xy}")

    def offset(self, shape: Sequence[int]) -> int:
        """Where the value lies in one image's part of the layer's blob, flattened from `shape`: (C,) or (C, H, W)."""
        channels, *plane = shape
        if not 0 <= self.index < channels:
            raise CaffeError(f"unit {self}: layer '{self.layer}' has {channels} units, 0 to {channels - 1}")
        if all(size == 1 for size in plane):
            return self.index
        if len(plane) != 2:
            raise CaffeError(f"unit {self}: layer '{self.layer}' of shape {tuple(shape)} has no positions (xy, xy)")
        height, width = plane
        if self.xy is None or not 0 <= self.xy < min(plane):
            raise CaffeError(
                f"unit {self}: layer '{self.layer}' of shape {tuple(shape)} takes an xy of 0 to {min(plane) - 1}"
            )
        return (self.index * height + self.xy) * width + self.xy
