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
from typing import Any

import numpy as np

from ...am.checks import whole_number
from ...errors import ArrayError
from ..arrays import Floats, finite, labels, per_unit, same_length
from .estimate import Estimate, check_level

RESAMPLES = 10_000
_VALUES_AT_ONCE = 1 << 22

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
    """A statistic of one or more samples of units, with its bootstrap interval.

    statistic: called as `statistic(*samples, axis=-1)` on arrays (…, U).
    samples: (U,) each, one number a unit; two units or more.
    paired: the samples are of the same units, which are drawn together; else each sample is drawn alone.
    """
    from scipy import stats

    check_level(level)
    resamples = whole_number("resamples", resamples, 1)
    rows = [finite(sample, f"sample {place}", 1) for place, sample in enumerate(samples, 1)]
    if not rows or min(map(len, rows)) < 2:
        raise ArrayError(f"samples of {[len(row) for row in rows]} units: a bootstrap needs two units or more")
    if paired:
        same_length(**{f"sample {place}": row for place, row in enumerate(rows, 1)})
    value = float(statistic(*rows, axis=-1))
    if not np.isfinite(value):
        raise ArrayError(f"the statistic of the {len(rows[0])} units is {value}; a constant sample has no correlation")
    largest = max(map(len, rows))

    def ends(method: str, count: int, result: Any) -> Any:
        return stats.bootstrap(
            tuple(rows),
            statistic,
            n_resamples=count,
            batch=max(1, _VALUES_AT_ONCE // largest),
            vectorized=True,
            paired=paired,
            axis=-1,
            confidence_level=level,
            method=method,
            bootstrap_result=result,
            random_state=np.random.default_rng(seed),
        )

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of undefined intervals and resamples, which are dealt with below
        found = ends("BCa", resamples, None)
        low, high = found.confidence_interval
        if not (np.isfinite(low) and np.isfinite(high)):
            drawn = found.bootstrap_distribution
            tail = (1 - level) / 2
            low, high = np.quantile(drawn[np.isfinite(drawn)], [tail, 1 - tail])
    return Estimate(value, float(low), float(high), min(map(len, rows)), level)


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

    options: of `bootstrap`.
    """
    return bootstrap(np.mean, per_unit(values, "values"), **options)


def mean_difference(first: Any, second: Any, *, paired: bool = True, **options: Any) -> Estimate:
    """The mean of `first` minus that of `second`, over units; (U,) or (U, S) each.

    paired: row i of both is the same unit (their seeds may differ in number); else they are two groups of units.
    options: of `bootstrap`.
    """
    a, b = per_unit(first, "first"), per_unit(second, "second")
    if paired:
        same_length(first=a, second=b)
        return bootstrap(np.mean, a - b, **options)
    return bootstrap(lambda x, y, axis: x.mean(axis) - y.mean(axis), a, b, **options)
