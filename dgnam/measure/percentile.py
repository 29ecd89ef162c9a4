"""Where a value stands among those of real pictures (M10)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArrayError
from .arrays import Floats, finite, labels, same_length


def percentile_among(values: Any, reference: Any, *, classes: Any = None, reference_classes: Any = None) -> Floats:
    """The percentile (N,), 0 to 100, of each value among reference values; equal ones count half.

    values: (N,); reference: (M,), such as a unit's activations on real pictures.
    classes, reference_classes: (N,) and (M,) labels; then a value is compared with those of its class only.  A class
        of M pictures resolves no less than 100 / M percent.
    """
    shown, real = finite(values, "values", 1), finite(reference, "reference", 1)
    if (classes is None) != (reference_classes is None):
        raise ArrayError("classes and reference_classes: give both or neither")
    if classes is None:
        return _percentiles(shown, real)
    own, theirs = labels(classes, "classes"), labels(reference_classes, "reference_classes")
    same_length(values=shown, classes=own)
    same_length(reference=real, reference_classes=theirs)
    missing = np.setdiff1d(own, theirs)
    if missing.size:
        raise ArrayError(f"reference: no value of class {missing[0]}")
    found = np.empty(len(shown))
    for label in np.unique(own):
        found[own == label] = _percentiles(shown[own == label], real[theirs == label])
    return found


def _percentiles(values: Floats, reference: Floats) -> Floats:
    ordered = np.sort(reference)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return np.asarray(50 * below / len(ordered), np.float64)
