"""KID, the kernel inception distance, in any features (M2).

The unbiased MMD² of two sets of features under the kernel (x·y / d + 1)³ (M. Bińkowski, D. Sutherland, M. Arbel,
A. Gretton: Demystifying MMD GANs. ICLR 2018).  Unlike the Fréchet distance it has no bias at any sample size, and may
come out below 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..am.checks import whole_number
from ..errors import ArrayError
from .arrays import Floats, features, labels, number, random_generator, same_length, same_width
from .statistics.bootstrap import resample_test
from .statistics.estimate import RESAMPLES, Estimate, check_level, check_resamples

SUBSET_SIZE = 1000


def kid(first: Any, second: Any, *, subsets: int = 100, subset_size: int | None = None, seed: int = 0) -> Floats:
    """KID (subsets,) of random subsets of two sets of features, (N, d) and (M, d); report mean and deviation.

    subset_size: of both, without replacement; None takes half of the smaller set, at most 1,000.
    """
    a, b = features(first, "first", least=2), features(second, "second", least=2)
    same_width(first=a, second=b)
    fewest = min(len(a), len(b))
    size = min(SUBSET_SIZE, max(2, fewest // 2)) if subset_size is None else whole_number("subset_size", subset_size, 2)
    if size > fewest:
        raise ArrayError(f"subset_size {size}: the smaller set has {fewest} rows")
    draw = random_generator(seed)
    found = np.empty(whole_number("subsets", subsets, 1))
    for place in range(len(found)):
        found[place] = mmd2(a[draw.permutation(len(a))[:size]], b[draw.permutation(len(b))[:size]])
    return found


def mmd2(first: Any, second: Any, *, second_kernel: float | None = None) -> float:
    """The unbiased squared MMD of all rows of two sets of features, (N, d) and (M, d).

    second_kernel: `mean_kernel(second)`, where it is known.
    """
    a, b = features(first, "first", least=2), features(second, "second", least=2)
    same_width(first=a, second=b)
    within = mean_kernel(b) if second_kernel is None else number(second_kernel, "second_kernel")
    return float(mean_kernel(a) + within - 2 * _kernel(a, b).mean())


def mean_kernel(rows: Any) -> float:
    """The mean kernel of two different rows of features (N, d)."""
    found = features(rows, "rows", least=2)
    return _mean_of_pairs(_kernel(found, found))


def kid_difference(
    first: Any,
    second: Any,
    real: Any,
    *,
    first_units: Any,
    second_units: Any,
    real_units: Any = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """KID(first, real) - KID(second, real), below 0 where the first are nearer to real pictures.

    The interval is a bootstrap over units, drawn for all sets together; pairs of copies of a unit stay out, however
    often it is drawn, those of its pictures with its real ones too.

    first, second, real: features (N, d), (M, d), (R, d).
    first_units, second_units: (N,) and (M,) labels of units; the same units in both.
    real_units: (R,) labels, the same units; None keeps the real pictures in every resample, as for hidden units.
    """
    check_level(level)
    a, b, r = (features(rows, name, least=2) for rows, name in ((first, "first"), (second, "second"), (real, "real")))
    same_width(first=a, second=b, real=r)
    own, other = labels(first_units, "first_units"), labels(second_units, "second_units")
    same_length(first=a, first_units=own)
    same_length(second=b, second_units=other)
    groups = [own, other]
    if real_units is not None:
        groups.append(labels(real_units, "real_units"))
        same_length(real=r, real_units=groups[-1])
    names = np.unique(own)
    if len(names) < 2 or any(not np.array_equal(np.unique(group), names) for group in groups):
        raise ArrayError("units: two or more are needed, and the same ones in all sets")
    members = [_members(group, names) for group in groups]
    theirs = members[2] if real_units is not None else None
    draw, count = random_generator(seed), check_resamples(resamples, level)
    drawn = draw.multinomial(len(names), np.full(len(names), 1 / len(names)), size=count).astype(np.float64)
    weights = np.concatenate([np.ones((1, len(names))), drawn])
    # What real pictures share with each other is the same in both and drops out.
    found = _against(a, r, members[0], theirs, weights) - _against(b, r, members[1], theirs, weights)
    drawn = found[1:][np.isfinite(found[1:])]
    if not len(drawn):
        raise ArrayError(f"resamples {count}: none of them has two pictures of one side; give more")
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(found[0]), float(low), float(high), len(names), level, test=resample_test(drawn))


def _against(rows: Floats, real: Floats, own: Floats, theirs: Floats | None, weights: Floats) -> Floats:
    """For each row of unit weights: the mean kernel of pairs of `rows`, minus twice that with `real`."""
    kernel = _kernel(rows, rows)
    np.fill_diagonal(kernel, 0)
    sizes = own.sum(1)
    total = _of_units(weights, own @ kernel @ own.T)
    count = _of_units(weights, np.outer(sizes, sizes) - np.diag(sizes))
    cross = own @ _kernel(rows, real)
    if theirs is None:
        means = (weights @ cross.mean(1)) / (weights @ sizes)
    else:
        means = _of_units(weights, cross @ theirs.T) / _of_units(weights, np.outer(sizes, theirs.sum(1)))
    # A resample of one unit's single picture has no pairs.
    mean_of_pairs = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return np.asarray(mean_of_pairs - 2 * means, np.float64)


def _of_units(weights: Floats, pairs: Floats) -> Floats:
    """For each row of unit weights the sum over pairs of units (U, U).

    Of a unit drawn w times, what is within it counts w times, and not w²: copies of it are not new pictures.
    """
    within = np.diag(pairs)
    between = pairs - np.diag(within)
    return np.asarray(((weights @ between) * weights).sum(1) + weights @ within)


def _members(units: np.ndarray, names: np.ndarray) -> Floats:
    """(U, N): 1 where a row is of a unit."""
    return (units == names[:, None]).astype(np.float64)


def _kernel(a: Floats, b: Floats) -> Floats:
    root = a @ b.T / a.shape[1] + 1
    return np.asarray(root * root * root)


def _mean_of_pairs(kernel: Floats) -> float:
    """The mean without the diagonal."""
    n = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (n * (n - 1)))
