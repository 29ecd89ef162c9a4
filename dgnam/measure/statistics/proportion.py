"""Shares of yes and no, with Wilson intervals.

E. Wilson: Probable inference, the law of succession, and statistical inference. JASA 1927.  Seeds of one unit are not
independent trials: their number is replaced by the effective one, the trials over the design effect (E. Korn,
B. Graubard: Confidence intervals for proportions with small expected number of positive counts estimated from survey
data. Survey Methodology 1998).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import ArrayError
from ..arrays import finite, number
from .estimate import Alternative, Estimate, Test, check_level


def wilson(successes: float, trials: float, *, level: float = 0.95) -> Estimate:
    """The share `successes / trials` of independent trials, such as one picture a unit."""
    from scipy.stats import norm

    check_level(level)
    successes, trials = number(successes, "successes"), number(trials, "trials")
    if not (trials > 0 and 0 <= successes <= trials):
        raise ArrayError(f"{successes} of {trials} trials: give one or more trials, and no more successes than trials")
    z, share = norm.ppf((1 + level) / 2), successes / trials
    center = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    low, high = max(0.0, center - half), min(1.0, center + half)
    return Estimate(
        share, float(min(low, share)), float(max(high, share)), int(trials), level, test=_test(share, trials)
    )


def proportion(flags: Any, *, level: float = 0.95) -> Estimate:
    """The share of flags (U,) or (U, S) that are true, the seeds of a unit in a row.

    The trials that count are between U, where the seeds of each unit agree or all flags are equal, and U·S, where
    seeds are independent, or agree less than by chance.
    """
    rows = finite(flags, "flags", 1, 2).reshape(len(flags), -1)
    if not np.isin(rows, (0, 1)).all():
        raise ArrayError("flags: true or false is needed, and there are other values")
    units, seeds = rows.shape
    share, trials = float(rows.mean()), float(units)
    if units > 1 and 0 < share < 1:
        between, alone = float(rows.mean(1).var(ddof=1)) / units, share * (1 - share)
        trials = max(trials, alone / max(between, alone / (units * seeds)))
    found = wilson(share * trials, trials, level=level)
    return replace(found, value=share, n=units)


def _test(share: float, trials: float) -> Test:
    """The score test, which Wilson's interval is of: by the normal distribution with the deviation at the null."""
    from scipy.stats import norm

    def test(null: float, alternative: Alternative) -> float:
        if not 0 < null < 1:
            raise ArrayError(f"a share of {null:g}: a test of shares needs one between 0 and 1")
        z = (share - null) / np.sqrt(null * (1 - null) / trials)
        greater, less = float(norm.sf(z)), float(norm.cdf(z))
        return {"greater": greater, "less": less, "two-sided": min(1.0, 2 * min(greater, less))}[alternative]

    return test
