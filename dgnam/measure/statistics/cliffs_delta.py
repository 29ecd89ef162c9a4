"""Cliff's delta: how often one group's values exceed another's.

N. Cliff: Dominance statistics. Psychological Bulletin 1993.  Conventional sizes: 0.147 small, 0.33 medium, 0.474 large
(J. Romano et al., 2006).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import per_unit
from .bootstrap import bootstrap
from .estimate import Estimate


def cliffs_delta(first: Any, second: Any, *, paired: bool = False, **options: Any) -> Estimate:
    """P(a > b) - P(a < b) over all pairs of a unit of `first` and one of `second`; (U,) or (U, S) each.

    It is between -1 and 1, and 0 where neither tends to be larger.
    paired: row i of both is the same unit, and the bootstrap draws both together; the statistic is the same.
    options: of `bootstrap`.
    """
    return bootstrap(_delta, per_unit(first, "first"), per_unit(second, "second"), paired=paired, **options)


def _delta(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    """From the rank sum of `a` among both: delta = 2 U / (m n) - 1."""
    from scipy.stats import rankdata

    m, n = a.shape[axis], b.shape[axis]
    shape = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    both = np.concatenate([np.broadcast_to(a, (*shape, m)), np.broadcast_to(b, (*shape, n))], axis)
    sums = rankdata(both, axis=-1)[..., :m].sum(-1)
    return np.asarray(2 * (sums - m * (m + 1) / 2) / (m * n) - 1)
