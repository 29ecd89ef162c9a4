"""A number with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any, Literal

from ...am.checks import whole_number
from ...errors import ArrayError

RESAMPLES = 10_000
"""Of a bootstrap, or permutations of a test."""

Alternative = Literal["two-sided", "greater", "less"]

Test = Callable[[float, Alternative], float]
"""The p-value of a number as the true value, against any other, a greater one or a smaller one."""


@dataclass(frozen=True)
class Effect:
    """How large a difference is beside the spread of the units, as "standardized mean difference" or "odds ratio"."""

    kind: str
    value: float


@dataclass(frozen=True)
class Estimate:
    """A statistic with a two-sided interval.

    value: of the sample.
    low, high: the interval's ends; infinite where it is open.
    n: number of units sampled (of pairs, where units are paired; of the smaller group, where two are compared).
    level: the interval's confidence, 0.95 for claims and 0.90 for equivalence.
    effect: its effect size; None where the value is one itself, as a correlation is, a share, or Cliff's delta.
    test: compares it with any number; None where only the interval is known.
    """

    value: float
    low: float
    high: float
    n: int
    level: float = 0.95
    effect: Effect | None = field(default=None, compare=False, repr=False)
    test: Test | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if any(math.isnan(number) for number in (self.value, self.low, self.high)) or self.low > self.high:
            raise ArrayError(f"{self.value} with the interval [{self.low}, {self.high}] is no estimate")
        check_level(self.level)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: an infinite end is None."""
        found = {"value": self.value, "low": self.low, "high": self.high}
        return {**{key: or_none(number) for key, number in found.items()}, "n": self.n, "level": self.level}

    def times(self, factor: float) -> Estimate:
        """The same in another unit, as 100 for percentage points; above 0."""
        test = self.test
        scaled = None if test is None else lambda null, alternative: test(null / factor, alternative)
        return replace(self, value=factor * self.value, low=factor * self.low, high=factor * self.high, test=scaled)

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}] ({self.level:.0%}, n = {self.n})"


def or_none(number: float) -> float | None:
    """For JSON: None for an infinite number."""
    return None if math.isinf(number) else number


def check_alternative(alternative: str) -> None:
    """Raise ArrayError for another than the three alternatives."""
    if alternative not in ("two-sided", "greater", "less"):
        raise ArrayError(f"alternative '{alternative}': give two-sided, greater or less")


def check_level(level: float) -> None:
    """Raise ArrayError unless 0 < level < 1."""
    if not (isinstance(level, Real) and 0 < level < 1):
        raise ArrayError(f"level {level!r}: give a share between 0 and 1, such as 0.95")


def check_resamples(resamples: int, level: float) -> int:
    """The number as an int; an error where it is so small that less than one lies beyond an end of the interval."""
    return whole_number("resamples", resamples, math.ceil(round(2 / (1 - level), 6)))
