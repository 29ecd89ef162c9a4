"""How much of each unit's activation a picture for two units keeps (M14)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArrayError
from .arrays import Floats, finite, same_length


def least_retained(first: Any, first_alone: Any, second: Any, second_alone: Any) -> Floats:
    """min(a / a*, b / b*) for pairs of units, (P,): 1 where both fire as alone, below 0 where one is suppressed.

    first, second: (P,) activations a and b of both units by the picture for the pair.
    first_alone, second_alone: (P,) what each reaches alone, above 0.
    """
    named = {"first": first, "first_alone": first_alone, "second": second, "second_alone": second_alone}
    rows = {name: finite(values, name, 1) for name, values in named.items()}
    same_length(**rows)
    for name in ("first_alone", "second_alone"):
        if rows[name].min() <= 0:
            place = int(np.argmin(rows[name]))
            raise ArrayError(f"{name}: {rows[name][place]:g} at {place}; a share of it needs an activation above 0")
    return np.minimum(rows["first"] / rows["first_alone"], rows["second"] / rows["second_alone"])
