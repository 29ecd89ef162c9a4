"""The objective to maximize: terms, each of one layer, and their weighted sums.

    Unit("fc8", 643)                                  one neuron
    2 * Unit("fc8", 643) - Unit("fc8", 624)           a weighted sum
    Channel("conv5", 55)                              the mean of a feature map
    Direction("fc6", vector)                          the projection of a layer's values on a vector
    Unit("fc8", 3) + 0.1 * Diversity("conv5")         images of a batch that differ from one another

Objectives are values: equal if they ask for the same.  The layers of a `JointTarget` have its targets' names before
their own, so that a sum can span networks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

from torch import Tensor

from ...errors import DgnamError


class Objective:
    """A number for each image of a batch: a weighted sum of terms.  Supports +, -, and * and / by numbers."""

    @property
    def terms(self) -> tuple[tuple[float, Term], ...]:
        """Pairs of weight and term."""
        raise NotImplementedError

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers read, each once."""
        return tuple(dict.fromkeys(term.layer for _, term in self.terms))

    def __add__(self, other: Objective | int) -> Objective:
        if isinstance(other, Objective):
            return WeightedSum((*self.terms, *other.terms))
        return self if other == 0 else NotImplemented  # so that Python's sum works

    __radd__ = __add__

    def __mul__(self, weight: float) -> Objective:
        if not isinstance(weight, Real):
            return NotImplemented
        return WeightedSum(tuple((float(weight) * own, term) for own, term in self.terms))

    __rmul__ = __mul__

    def __neg__(self) -> Objective:
        return self * -1

    def __sub__(self, other: Objective) -> Objective:
        return self + -other if isinstance(other, Objective) else NotImplemented

    def __truediv__(self, divisor: float) -> Objective:
        if not divisor:
            raise DgnamError(f"{self} / {divisor}: give a divisor other than 0")
        return self * (1 / divisor)


class Term(Objective):
    """One number for each image, from the values of one layer.

    layer: name of the layer.
    together: whether an image's number depends on the other images of the batch with the same term.
    """

    layer: str
    together = False

    @property
    def terms(self) -> tuple[tuple[float, Term], ...]:
        return ((1.0, self),)

    def check(self, shape: Sequence[int]) -> None:
        """Raise DgnamError unless the term is valid for a layer of `shape` (C,), (T, C) or (C, H, W)."""
        raise NotImplementedError

    def measure(self, values: Tensor) -> Tensor:
        """(n,), from the layer's values (n, C), (n, T, C) or (n, C, H, W)."""
        raise NotImplementedError

    def magnitude(self, values: Tensor) -> Tensor:
        """(n,), how large the numbers are that `measure` adds up: what its rounding error is relative to."""
        return self.measure(values.abs()).abs()


@dataclass(frozen=True)
class WeightedSum(Objective):
    """Terms, each times its weight."""

    parts: tuple[tuple[float, Term], ...]

    def __post_init__(self) -> None:
        for weight, term in self.parts:
            if not math.isfinite(weight):
                raise DgnamError(f"weight {weight} of {term}: give a finite number")

    @property
    def terms(self) -> tuple[tuple[float, Term], ...]:
        return self.parts

    def __str__(self) -> str:
        text = "".join(f"{'-' if weight < 0 else '+'}{_shortest(abs(weight))}*{term}" for weight, term in self.parts)
        return text.removeprefix("+")


def check_unit_index(term: Term, index: int, units: int) -> None:
    """Raise DgnamError unless a layer of so many units has one of this index."""
    if not units:
        raise DgnamError(f"unit {term}: layer '{term.layer}' gives one number for a whole batch and has no units")
    if not 0 <= index < units:
        raise DgnamError(f"unit {term}: layer '{term.layer}' has {units} units, 0 to {units - 1}")


def _shortest(weight: float) -> str:
    """The shortest text that reads back as the same number."""
    short = f"{weight:g}"
    return short if float(short) == weight else repr(float(weight))
