"""Is a synthesized picture processed like real pictures of its class, layer by layer (M9)?

After R. Geirhos, R. Zimmermann, B. Bilodeau, W. Brendel, B. Kim: Don't trust your eyes: on the (un)reliability of
feature visualizations.  ICML 2024.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArrayError
from .arrays import Floats, features, labels, same_length, same_width, unit_rows


@dataclass(frozen=True, eq=False)
class PathSimilarity:
    """values: (N,) of each synthesized picture, scaled: 1 as a real picture of its class, 0 as one of another class.

    same, different: the mean correlations of real pictures of one class and of different classes, which set the scale.
    """

    values: Floats
    same: float
    different: float


def path_similarity(synthetic: Any, classes: Any, real: Any, real_classes: Any) -> PathSimilarity:
    """The mean correlation of each synthesized picture's activations with those of real pictures of its class, scaled.

    synthetic: activations (N, d) of one layer, more dimensions are flattened; classes: (N,) labels.
    real: (R, d) of the same layer; real_classes: (R,), two pictures or more of each of two classes or more.

    No picture is in both sets: its correlation with itself is 1.  For the ceiling give other real pictures as
    `synthetic`.

    The correlation is Pearson's, over the units of the layer.  A layer where real pictures of a class are no more
    alike than others has no scale and is an error.
    """
    ours, truth = _standardized(synthetic, "synthetic"), _standardized(real, "real")
    same_width(synthetic=ours, real=truth)
    own, theirs = labels(classes, "classes"), labels(real_classes, "real_classes")
    same_length(synthetic=ours, classes=own)
    same_length(real=truth, real_classes=theirs)
    names, places, counts = np.unique(theirs, return_inverse=True, return_counts=True)
    if len(names) < 2 or counts.min() < 2:
        raise ArrayError(f"real: {len(names)} classes, the smallest of {counts.min()}; two of two or more are needed")
    missing = np.setdiff1d(own, names)
    if missing.size:
        raise ArrayError(f"real: no picture of class {missing[0]}")
    sums = np.zeros((len(names), truth.shape[1]))
    np.add.at(sums, places, truth)
    # Rows have length 1, so the products of sums are sums of correlations.
    within = (sums**2).sum(1) - counts
    same = float((within / (counts * (counts - 1))).mean())
    products = sums @ sums.T / np.outer(counts, counts)
    different = float(products[~np.eye(len(names), dtype=bool)].mean())
    if same <= different:
        raise ArrayError(f"real: pictures of a class correlate by {same:.3f}, others by {different:.3f}; no scale")
    means = sums / counts[:, None]
    raw = (ours * means[np.searchsorted(names, own)]).sum(1)
    return PathSimilarity((raw - different) / (same - different), same, different)


def _standardized(values: Any, what: str) -> Floats:
    """Rows of mean 0 and length 1, so that their products are correlations."""
    rows = features(values, what)
    return unit_rows(rows - rows.mean(1, keepdims=True), f"{what}, minus each row's mean")
