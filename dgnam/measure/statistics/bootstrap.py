"""Bootstrap intervals over units.

The unit (or class) is what was sampled, so units are drawn with replacement, and the seeds of a unit stay with it: a
cluster bootstrap that resamples clusters and keeps their members (A. Davison, D. Hinkley: Bootstrap Methods and their
Application, 1997, Sec. 3.8).  The interval is BCa, bias-corrected and accelerated (B. Efron: Better bootstrap
confidence intervals. JASA 1987), which in simulations of 22 units covers a mean in 94 % of cases where the percentile
interval covers it in 92 %; where BCa is undefined, as for units that are all equal, it is the percentile interval.
Of fewer than about six units, and of units that are all equal, no resampling can give a 95 % interval; `decide` leaves
those undecided.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import ArrayError
from ..arrays import Floats, finite, labels, per_unit, random_generator, same_length
from .estimate import RESAMPLES, Alternative, Effect, Estimate, Test, check_level, check_resamples
from .mcnemar import mcnemar
from .sign_flip import sign_flip

_VALUES_AT_ONCE = 1 << 22
_ROUNDING = 1e-12
"""Of values, as a part of the largest."""

Statistic = Callable[..., Any]
"""From samples (…, U) and `axis` to a number each: `statistic(*samples, axis=-1)`."""


def bootstrap(
    statistic: Statistic,
    *samples: Any,
    paired: bool = False,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """A statistic of one or more samples of units, with its bootstrap interval and a test by the same resamples.

    statistic: called as `statistic(*samples, axis=-1)` on arrays (…, U).
    samples: (U,) each, one number a unit; two units or more.
    paired: the samples are of the same units, which are drawn together; else each sample is drawn alone.
    level: the interval's confidence.
    resamples: 2 / (1 - level) or more, such as 40 for 95 %, or no resample would lie beyond the interval.
    """
    from scipy import stats

    check_level(level)
    resamples = check_resamples(resamples, level)
    rows = [finite(sample, f"sample {place}", 1) for place, sample in enumerate(samples, 1)]
    if not rows or min(map(len, rows)) < 2:
        raise ArrayError(f"samples of {[len(row) for row in rows]} units: a bootstrap needs two units or more")
    if paired:
        same_length(**{f"sample {place}": row for place, row in enumerate(rows, 1)})
    value = float(statistic(*rows, axis=-1))
    if not np.isfinite(value):
        raise ArrayError(f"the statistic of the {len(rows[0])} units is {value}; a constant sample has no correlation")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of undefined intervals and resamples, which are dealt with below
        found = stats.bootstrap(
            tuple(rows),
            statistic,
            n_resamples=resamples,
            batch=max(1, _VALUES_AT_ONCE // max(map(len, rows))),
            vectorized=True,
            paired=paired,
            axis=-1,
            confidence_level=level,
            method="BCa",
            random_state=random_generator(seed),
        )
        low, high = found.confidence_interval
        drawn = found.bootstrap_distribution
        drawn = drawn[np.isfinite(drawn)]
        if not (np.isfinite(low) and np.isfinite(high)):
            tail = (1 - level) / 2
            low, high = np.quantile(drawn, [tail, 1 - tail])
    return Estimate(value, float(low), float(high), min(map(len, rows)), level, test=resample_test(drawn))


def resample_test(drawn: Floats) -> Test:
    """A test by how many resamples of a statistic lie on the other side of a number, (R,)."""

    def test(null: float, alternative: Alternative) -> float:
        greater, less = (float(1 + (side).sum()) / (1 + len(drawn)) for side in (drawn <= null, drawn >= null))
        return {"greater": greater, "less": less, "two-sided": min(1.0, 2 * min(greater, less))}[alternative]

    return test


def unit_means(values: Any, units: Any) -> Floats:
    """The mean of each unit's values (U,), in the order of the units' sorted labels.

    values: (N,); units: (N,) the label of each value's unit.  A unit with more seeds counts no more than another.
    """
    numbers, names = finite(values, "values", 1), labels(units, "units")
    same_length(values=numbers, units=names)
    _, places, counts = np.unique(names, return_inverse=True, return_counts=True)
    return np.asarray(np.bincount(places, weights=numbers) / counts, np.float64)


def mean(values: Any, **options: Any) -> Estimate:
    """The mean over units of values (U,) or (U, S), a row for each unit and a column for each seed.

    It is tested by sign flips.
    options: of `bootstrap`.
    """
    rows = per_unit(values, "values")
    return replace(_settled(bootstrap(np.mean, rows, **options), rows), test=_sign_flips(rows))


def mean_difference(first: Any, second: Any, *, paired: bool = True, **options: Any) -> Estimate:
    """The mean of `first` minus that of `second`, over units; (U,) or (U, S) each.

    paired: row i of both is the same unit (their seeds may differ in number); else they are two groups of units.
    Pairs are tested by sign flips; those of yes and no, as (0, 100), whether they are equal, by McNemar's test.  The
    effect size is the odds ratio of these, and else the mean difference over the deviation of the differences, or of
    the values within both groups.
    options: of `bootstrap`.
    """
    a, b = per_unit(first, "first"), per_unit(second, "second")
    if paired:
        same_length(first=a, second=b)
        found = _settled(bootstrap(np.mean, a - b, **options), a, b)
        if _yes_or_no(a, b):
            return _of_flags(found, a, b)
        return replace(found, effect=_standardized(found, a - b), test=_sign_flips(a - b))
    found = _settled(bootstrap(lambda x, y, axis: x.mean(axis) - y.mean(axis), a, b, **options), a, b)
    return replace(found, effect=_standardized(found, a, b))


def ratio_of_means(part: Any, whole: Any, sign: float, axis: int = -1) -> Any:
    """The mean of `part` over that of `whole`, whose sign is known; infinite where a resample turns it.

    Beyond 0 a ratio turns its own sign: it leaves at one end of the line and comes in at the other.
    """
    above, below = part.mean(axis), whole.mean(axis)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sign * below > 0, above / below, np.where(above == 0, 0.0, np.copysign(np.inf, sign * above)))


def _settled(found: Estimate, *groups: Floats) -> Estimate:
    """The estimate without an interval where its width is the values' rounding errors."""
    noise = _ROUNDING * max(np.abs(group).max() for group in groups)
    return replace(found, low=found.value, high=found.value) if found.high - found.low <= noise else found


def _sign_flips(rows: Floats) -> Test:
    return lambda null, alternative: sign_flip(rows, null=null, alternative=alternative)


def _yes_or_no(first: Floats, second: Floats) -> bool:
    """Whether all numbers of both are 0 or one other, positive one."""
    values = np.unique(np.concatenate([first, second]))
    return len(values) == 2 and values[0] == 0


def _of_flags(found: Estimate, first: Floats, second: Floats) -> Estimate:
    pairs, flips = mcnemar(first > 0, second > 0), _sign_flips(first - second)

    def test(null: float, alternative: Alternative) -> float:
        return pairs.p_value if null == 0 and alternative == "two-sided" else flips(null, alternative)

    return replace(found, effect=Effect("odds ratio", pairs.odds_ratio.value), test=test)


def _standardized(found: Estimate, *groups: Floats) -> Effect | None:
    """The difference over the deviation within groups, by their mean variance; None where there is no deviation."""
    deviation = float(np.sqrt(np.mean([group.var(ddof=1) for group in groups])))
    return Effect("standardized mean difference", found.value / deviation) if deviation > 0 else None
