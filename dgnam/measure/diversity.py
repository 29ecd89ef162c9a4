"""How different the pictures of one unit are (M4).

Noise is diverse, so diversity stands beside recognizability (M1).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArrayError
from .arrays import Floats, features, finite, same_length, unit_rows


def mean_pairwise_distance(rows: Any) -> Floats:
    """The mean Euclidean distance (U,) over pairs of a unit's pictures; features (U, S, d), S >= 2."""
    found = finite(rows, "features", 3)
    if found.shape[1] < 2:
        raise ArrayError(f"features {found.shape}: two pictures a unit or more are needed")
    first, second = np.triu_indices(found.shape[1], 1)
    return np.asarray([np.sqrt(((unit[first] - unit[second]) ** 2).sum(1)).mean() for unit in found])


def diversity_ratio(synthetic: Any, real: Any) -> Floats:
    """Each unit's mean distance between its pictures over that between real pictures of its class, (U,).

    synthetic: features (U, S, d), 8 seeds or more a unit; real: (U, R, d), 8 pictures of the class.
    1 is as diverse as real pictures, 0 the same picture from each seed.
    """
    same_length(synthetic=synthetic, real=real)
    ours, theirs = mean_pairwise_distance(synthetic), mean_pairwise_distance(real)
    if not (theirs > 0).all():
        raise ArrayError(f"real: the pictures of unit {int(np.argmin(theirs > 0))} have equal features")
    return ours / theirs


def vendi_score(rows: Any) -> float:
    """The effective number of different pictures among n, 1 to n; features (n, d).

    The exponential of the entropy of the eigenvalues of K / n, K the cosine similarities (D. Friedman, A. B. Dieng:
    The Vendi score. TMLR 2023).  Features after a ReLU have no negative cosines, which lowers it: compare with real
    pictures at the same n.
    """
    unit = unit_rows(features(rows, "features"), "features")
    shares = np.linalg.svd(unit, compute_uv=False) ** 2 / len(unit)
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))
