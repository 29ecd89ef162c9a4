"""Spearman's rank correlation: over units, partial, and within units.

A pooled correlation over units and settings confounds what differs between units with what differs within them, so
`spearman_within_units` correlates each unit's settings and averages over units by Fisher's z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from ...am.checks import whole_number
from ...errors import ArrayError
from ..arrays import Floats, finite, per_unit, random_generator, same_length
from .bootstrap import bootstrap
from .estimate import RESAMPLES, Alternative, Estimate, Test, check_alternative

_FEWEST = 4
"""Fewest pairs that a rank correlation is taken of."""


def spearman(x: Any, y: Any, given: Any = None, **options: Any) -> Estimate:
    """The rank correlation of x and y over units, (U,) or (U, S) each.

    given: (U,) or (U, S), on whose ranks those of both are regressed first: the partial correlation.
    options: of `bootstrap`.
    """
    return bootstrap(_correlation, *_samples(x, y, given), paired=True, **options)


def spearman_p(
    x: Any,
    y: Any,
    given: Any = None,
    *,
    alternative: Alternative = "two-sided",
    permutations: int = RESAMPLES,
    seed: int = 0,
) -> float:
    """The p-value of `spearman`'s correlation, by permuting the units of y.

    With `given`, the residuals of y's ranks are permuted and regressed again (D. Freedman, D. Lane, 1983): approximate.
    """
    from scipy.stats import permutation_test

    rows = _samples(x, y, given)
    _check_varies(rows)
    check_alternative(alternative)
    a, b = _residuals(*rows)
    if not np.isfinite(_pearson(a, b)):
        name = "x" if not a.any() else "y"
        raise ArrayError(
            f"{name}: its ranks are those of given, or their reverse, so that no partial correlation is left"
        )
    rest = [_centered(_ranks(row)) for row in rows[2:]]
    test = permutation_test(
        (b,),
        lambda order, axis: _pearson(a, _without(order, *rest)),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=whole_number("permutations", permutations, 1),
        batch=max(1, (1 << 22) // len(a)),
        alternative=alternative,
        axis=-1,
        random_state=random_generator(seed),
    )
    return float(test.pvalue)


def unit_correlations(x: Sequence[Any], y: Sequence[Any], given: Sequence[Any] | None = None) -> Floats:
    """Each unit's rank correlation (U,) between its settings.

    x, y, given: a row of values for each unit, (U, K) or with another number of settings in each.
    A unit with constant values has no correlation and is an error that names it.
    """
    same_length(x=x, y=y, given=given)
    found = np.empty(len(x))
    for unit in range(len(x)):
        rows = [finite(v[unit], f"unit {unit} of {name}", 1) for name, v in _named(x, y, given)]
        same_length(**{f"{name}[{unit}]": row for (name, _), row in zip(_named(x, y, given), rows, strict=True)})
        _check_varies(rows, f"unit {unit}: ")
        found[unit] = _pearson(*_residuals(*rows))
    return found


def spearman_within_units(
    x: Sequence[Any], y: Sequence[Any], given: Sequence[Any] | None = None, **options: Any
) -> Estimate:
    """The mean over units of their rank correlations, by Fisher's z, with the bootstrap interval over units.

    x, y, given: as for `unit_correlations`; every unit counts the same.
    A correlation of ±1, whose z is infinite, counts as half a step of the coefficient below it: K settings without
    ties have steps of 12 / (K (K² - 1)).
    options: of `bootstrap`.
    """
    rho = unit_correlations(x, y, given)
    counts = np.array([len(row) for row in x], np.float64)
    most = 1 - 6 / (counts * (counts**2 - 1))
    z = bootstrap(np.mean, np.arctanh(np.clip(rho, -most, most)), **options)
    value, low, high = (float(np.tanh(end)) for end in (z.value, z.low, z.high))
    of_z = cast(Test, z.test)
    return replace(
        z, value=value, low=low, high=high, test=lambda null, alternative: of_z(float(np.arctanh(null)), alternative)
    )


def _named(x: Any, y: Any, given: Any) -> list[tuple[str, Any]]:
    return [(name, values) for name, values in (("x", x), ("y", y), ("given", given)) if values is not None]


def _samples(x: Any, y: Any, given: Any) -> list[Floats]:
    rows = {name: per_unit(values, name, least=_FEWEST) for name, values in _named(x, y, given)}
    same_length(**rows)
    return list(rows.values())


def _check_varies(rows: Sequence[np.ndarray], where: str = "") -> None:
    for name, row in zip(("x", "y", "given"), rows, strict=False):
        if len(row) < _FEWEST or np.ptp(row) == 0:
            what = f"has {len(row)} values" if len(row) < _FEWEST else f"is {row[0]:g} throughout"
            raise ArrayError(f"{where}{name} {what}; a rank correlation needs {_FEWEST} or more that differ")


def _correlation(x: np.ndarray, y: np.ndarray, given: np.ndarray | None = None, axis: int = -1) -> np.ndarray:
    return _pearson(*_residuals(x, y, given))


def _residuals(x: np.ndarray, y: np.ndarray, given: np.ndarray | None = None) -> list[np.ndarray]:
    """Centered ranks of x and y, minus their regressions on those of `given`."""
    rest = [] if given is None else [_centered(_ranks(given))]
    return [_without(_centered(_ranks(row)), *rest) for row in (x, y)]


def _without(row: np.ndarray, *rest: np.ndarray) -> np.ndarray:
    """Centered values minus their regression on other centered values, if any."""
    if not rest:
        return row
    left = row - (row * rest[0]).sum(-1, keepdims=True) / (rest[0] ** 2).sum(-1, keepdims=True) * rest[0]
    # Of values that `rest` determines, rounding errors are left, which would correlate with anything.
    nothing = (left**2).sum(-1, keepdims=True) < 1e-12 * (row**2).sum(-1, keepdims=True)
    return np.where(nothing, 0.0, left)


def _ranks(row: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    return np.asarray(rankdata(row, axis=-1))


def _pearson(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of centered values; NaN where one is constant."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1)))


def _centered(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows - rows.mean(-1, keepdims=True))
