"""A number with its interval."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from ...errors import ArrayError


@dataclass(frozen=True)
class Estimate:
    """A statistic with a two-sided interval.

    value: of the sample.
    low, high: the interval's ends; infinite where it is open.
    n: number of units sampled (of pairs, where units are paired; of the smaller group, where two are compared).
    level: the interval's confidence, 0.95 for claims and 0.90 for equivalence.
    """

    value: float
    low: float
    high: float
    n: int
    level: float = 0.95

    def __post_init__(self) -> None:
        if any(math.isnan(number) for number in (self.value, self.low, self.high)) or self.low > self.high:
            raise ArrayError(f"{self.value} with the interval [{self.low}, {self.high}] is no estimate")
        check_level(self.level)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: an infinite end is None."""
        return {key: None if isinstance(v, float) and math.isinf(v) else v for key, v in asdict(self).items()}

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}] ({self.level:.0%}, n = {self.n})"


def check_level(level: float) -> None:
    """Raise ArrayError unless 0 < level < 1."""
    if not 0 < level < 1:
        raise ArrayError(f"level {level}: give a share between 0 and 1, such as 0.95")
