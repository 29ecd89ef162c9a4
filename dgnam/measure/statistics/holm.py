"""Holm's correction for several tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ArrayError
from ..arrays import Floats, finite


def holm(p_values: Any) -> Floats:
    """The adjusted p-values (m,) of m tests, such as those of the claims of one section, in the order given.

    Those that are at most α keep the chance of any false rejection at α, whatever the tests have to do with each other
    (S. Holm: A simple sequentially rejective multiple test procedure. Scand. J. Statist. 1979).
    """
    given = finite(p_values, "p_values", 1)
    if given.min() < 0 or given.max() > 1:
        raise ArrayError(f"p_values: they lie between 0 and 1, and these between {given.min():g} and {given.max():g}")
    order = np.argsort(given, kind="stable")
    steps = np.arange(len(given), 0, -1) * given[order]
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted
