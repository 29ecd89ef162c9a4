"""The sign-flip permutation test of paired numbers.

If neither condition is better, each unit's difference is as likely as its negative (R. Fisher: The Design of
Experiments, 1935, Sec. 21).  All signs are tried where there are no more than the permutations, else random ones, and
the observed signs count among them, so that the p-value is never 0 (B. Phipson, G. Smyth, 2010).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...am.checks import whole_number
from ..arrays import number, per_unit, random_generator
from .estimate import RESAMPLES, Alternative, check_alternative


def sign_flip(
    differences: Any,
    *,
    null: float = 0.0,
    alternative: Alternative = "two-sided",
    permutations: int = RESAMPLES,
    seed: int = 0,
) -> float:
    """The p-value of the mean difference over units, (U,) or (U, S), against the mean `null`.

    alternative: "greater" asks whether the mean is above `null`, "less" whether it is below.
    """
    from scipy.stats import permutation_test

    rows = per_unit(differences, "differences", least=2) - number(null, "null")
    check_alternative(alternative)
    test = permutation_test(
        (rows,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=whole_number("permutations", permutations, 1),
        batch=max(1, (1 << 22) // len(rows)),
        alternative=alternative,
        axis=-1,
        random_state=random_generator(seed),
    )
    return float(test.pvalue)
