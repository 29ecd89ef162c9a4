"""McNemar's test: yes or no, twice on the same units.

Q. McNemar: Note on the sampling error of the difference between correlated proportions or percentages. Psychometrika
1947; here exact, by the binomial test of the units on which both differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ArrayError
from ..arrays import finite, same_length
from .estimate import Estimate, check_level


@dataclass(frozen=True)
class McNemar:
    """What the units say on which both conditions differ.

    first_only, second_only: number of units that are true only under the first, only under the second.
    odds_ratio: first_only / second_only, with the exact interval; 1 where there is no such unit.
    p_value: two-sided.
    """

    first_only: int
    second_only: int
    odds_ratio: Estimate
    p_value: float


def mcnemar(first: Any, second: Any, *, level: float = 0.95) -> McNemar:
    """Compare two conditions by flags (U,) each, one pair a unit.

    Seeds of a unit are not independent pairs: choose one seed, or compare unit means by `sign_flip`.
    """
    from scipy.stats import binomtest

    check_level(level)
    a, b = finite(first, "first", 1), finite(second, "second", 1)
    same_length(first=a, second=b)
    if not (np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all()):
        raise ArrayError("first and second: true or false is needed, and there are other values")
    only_a, only_b = int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())
    if only_a + only_b == 0:
        return McNemar(0, 0, Estimate(1.0, 0.0, float("inf"), len(a), level), 1.0)
    test = binomtest(only_a, only_a + only_b, 0.5)
    shares = test.proportion_ci(confidence_level=level, method="exact")
    low, value, high = (_odds(share) for share in (shares.low, only_a / (only_a + only_b), shares.high))
    return McNemar(only_a, only_b, Estimate(value, low, high, len(a), level), float(test.pvalue))


def _odds(share: float) -> float:
    return float("inf") if share >= 1 else float(share / (1 - share))
