"""What is maximized: terms that read one layer each, and their weighted sums.

    Unit("fc8", 643)                                  one neuron
    2 * Unit("fc8", 643) - Unit("fc8", 624)           weighted sums
    Channel("conv5", 55)                              the mean of a whole feature map
    Direction("fc6", vector)                          the projection of a layer's values on a vector
    Unit("fc8", 3) + 0.1 * Diversity("conv5")         images of a batch that differ from one another

Objectives are values: they compare equal where they ask for the same.  A target made of several networks has their
layers under names of its own (`target.Several`), so that a sum can reach across networks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import DgnamError

_TEXT = re.compile(r"(?P<layer>.+):(?P<index>\d+)(@(?P<y>\d+)(,(?P<x>\d+))?)?")


class Objective:
    """A number for each image of a batch: the sum of its terms, each times its weight.  Adds and multiplies."""

    @property
    def terms(self) -> tuple[tuple[float, Term], ...]:
        """The weights and the terms."""
        raise NotImplementedError

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that it reads, each once."""
        return tuple(dict.fromkeys(term.layer for _, term in self.terms))

    def __add__(self, other: Objective | int) -> Objective:
        if isinstance(other, Objective):
            return WeightedSum((*self.terms, *other.terms))
        return self if other == 0 else NotImplemented  # so that Python's sum works

    __radd__ = __add__

    def __mul__(self, weight: float) -> Objective:
        if not isinstance(weight, int | float):
            return NotImplemented
        return WeightedSum(tuple((weight * own, term) for own, term in self.terms))

    __rmul__ = __mul__

    def __neg__(self) -> Objective:
        return self * -1

    def __sub__(self, other: Objective) -> Objective:
        return self + -other if isinstance(other, Objective) else NotImplemented

    def __truediv__(self, divisor: float) -> Objective:
        return self * (1 / divisor)


class Term(Objective):
    """One number for each image, from the values of one layer.

    layer: its name.
    together: whether an image's number depends on the other images that have the same term in the batch.
    """

    layer: str
    together = False

    @property
    def terms(self) -> tuple[tuple[float, Term], ...]:
        return ((1.0, self),)

    def check(self, shape: Sequence[int]) -> None:
        """Raise DgnamError unless the layer's values, of `shape` (C,) or (C, H, W), hold what is asked for."""
        raise NotImplementedError

    def measure(self, values: Tensor) -> Tensor:
        """(n,), from the layer's values (n, C) or (n, C, H, W)."""
        raise NotImplementedError


@dataclass(frozen=True)
class WeightedSum(Objective):
    """Terms, each times its weight."""

    parts: tuple[tuple[float, Term], ...]

    @property
    def terms(self) -> tuple[tuple[float, Term], ...]:
        return self.parts

    def __str__(self) -> str:
        text = "".join(f"{'-' if weight < 0 else '+'}{_shortest(abs(weight))}*{term}" for weight, term in self.parts)
        return text.removeprefix("+")


@dataclass(frozen=True)
class Unit(Term):
    """One neuron: unit `index` of `layer`, in a convolutional layer at one position.

    Its value is that of the layer's first top as the layer leaves it, so before an in-place ReLU that follows.

    xy: the position, (row, column), or one number for both as the published code has it.
    """

    layer: str
    index: int
    xy: int | tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.xy, tuple) and self.xy[0] == self.xy[1]:  # so that the same place compares equal
            object.__setattr__(self, "xy", self.xy[0])

    @classmethod
    def parse(cls, text: str) -> Unit:
        """A unit from text: `fc8:643`, or `conv5:55@6` and `conv5:55@6,6` for the position (6, 6)."""
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
        """Where the value lies in one image's part of the layer's blob, flattened from `shape`: (C,) or (C, H, W)."""
        channels, *plane = shape
        _check_index(self, channels)
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


@dataclass(frozen=True)
class Channel(Term):
    """A whole channel of a convolutional layer: the mean over all its positions."""

    layer: str
    index: int

    def __str__(self) -> str:
        return f"{self.layer}:{self.index}@all"

    def check(self, shape: Sequence[int]) -> None:
        _check_index(self, shape[0])

    def measure(self, values: Tensor) -> Tensor:
        return values[:, self.index].flatten(1).mean(1) if values.dim() > 2 else values[:, self.index]


@dataclass(frozen=True, eq=False)
class Direction(Term):
    """The projection of a layer's values on a direction: the dot product with `vector` / |vector|.

    vector: of all the layer's values, or of its channels, (C,); the mean over all positions is then taken.
    """

    layer: str
    vector: np.ndarray
    name: str = "direction"

    def __post_init__(self) -> None:
        vector = np.array(self.vector, np.float32)
        norm = float(np.linalg.norm(vector))
        if not (math.isfinite(norm) and norm > 0):
            raise DgnamError(f"direction '{self.name}' in layer '{self.layer}': its vector must be finite and not zero")
        vector /= norm
        vector.flags.writeable = False
        object.__setattr__(self, "vector", vector)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Direction) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        return f"{self.layer}:{self.name}"

    def check(self, shape: Sequence[int]) -> None:
        if self.vector.size not in (math.prod(shape), shape[0]):
            raise DgnamError(
                f"direction '{self.name}': its vector has {self.vector.size} numbers, and layer '{self.layer}' of "
                f"shape {tuple(shape)} takes {math.prod(shape)} or one for each of its {shape[0]} channels"
            )

    def measure(self, values: Tensor) -> Tensor:
        vector = torch.from_numpy(np.array(self.vector.ravel())).to(values)
        flat = values.flatten(1)
        if len(vector) != flat.shape[1]:
            flat = values.flatten(2).mean(2)
        return flat @ vector

    def _key(self) -> tuple[Any, ...]:
        return self.layer, self.name, self.vector.shape, self.vector.tobytes()


@dataclass(frozen=True)
class Diversity(Term):
    """How little an image is like the others: minus the mean cosine between its values and theirs.

    The others are those images of the batch whose objective has the same term, so that a job depends on which jobs
    share its batch; alone in it, it is 0.  (The diversity term of Lucid's neuron objectives, on cosines of values.)
    """

    layer: str
    together = True

    def __str__(self) -> str:
        return f"{self.layer}:diversity"

    def check(self, shape: Sequence[int]) -> None:
        """Any layer will do."""

    def measure(self, values: Tensor) -> Tensor:
        rows = torch.nn.functional.normalize(values.flatten(1), dim=1)
        cosines = rows @ rows.T
        others = cosines.sum(1) - cosines.diagonal()
        return -others / max(1, len(rows) - 1)


def _shortest(weight: float) -> str:
    """As few digits as read back as the same number."""
    short = f"{weight:g}"
    return short if float(short) == weight else repr(float(weight))


def _check_index(term: Unit | Channel, channels: int) -> None:
    if not 0 <= term.index < channels:
        raise DgnamError(f"unit {term}: layer '{term.layer}' has {channels} units, 0 to {channels - 1}")
