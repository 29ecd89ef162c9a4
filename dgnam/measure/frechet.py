"""The Fréchet distance of two sets of features, FID in any features (M2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Floats, features, same_width


def frechet_distance(first: Any, second: Any) -> float:
    """The squared 2-Wasserstein distance of Gaussians with the means and covariances of (N, d) and (M, d).

    |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½) (D. Dowson, B. Landau, 1982; as a measure of generators M. Heusel et al.:
    GANs trained by a two time-scale update rule. NeurIPS 2017).

    It is biased upwards, the more the fewer the rows (M. Chong, D. Forsyth, 2019): compare only distances of equal N
    and M, at least 1,000 each and more than d, beside that of real pictures and other real ones (`floor_of_real`).
    """
    a, b = features(first, "first", least=2), features(second, "second", least=2)
    same_width(first=a, second=b)
    (m1, c1), (m2, c2) = _moments(a), _moments(b)
    root = _root(c1)
    # C1 C2 has the eigenvalues of the symmetric C1^½ C2 C1^½; rounding may leave some just below 0.
    shared = np.sqrt(np.clip(np.linalg.eigvalsh(root @ c2 @ root), 0, None)).sum()
    return max(0.0, float(((m1 - m2) ** 2).sum() + np.trace(c1) + np.trace(c2) - 2 * shared))


def _moments(rows: Floats) -> tuple[Floats, Floats]:
    return rows.mean(0), np.atleast_2d(np.cov(rows, rowvar=False))


def _root(covariance: Floats) -> Floats:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T)
