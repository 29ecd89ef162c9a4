"""Density and coverage: fidelity and diversity from nearest neighbors (M3).

M. F. Naeem, S. J. Oh, Y. Uh, Y. Choi, J. Yoo: Reliable fidelity and diversity metrics for generative models. ICML 2020.
Each real picture has a ball that reaches to its k-th nearest other real picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..am.checks import whole_number
from .arrays import Floats, features, same_width

_CHUNK = 1024


@dataclass(frozen=True)
class Fidelity:
    """density: mean number of real balls around a synthetic picture, over k: 1 for real pictures, 0 off the manifold.

    coverage: the share of real balls with a synthetic picture inside, 0 to 1.
    """

    density: float
    coverage: float


def density_and_coverage(real: Any, synthetic: Any, k: int = 5) -> Fidelity:
    """Density and coverage of synthetic features (M, d) among real ones (N, d), N > k.

    Of other real pictures the expected density is 1, the expected coverage 1 - (N-1)…(N-k) / (M+N-1)…(M+N-k).
    Coverage grows with M: compare at equal N and M.
    """
    k = whole_number("k", k, 1)
    truth, made = features(real, "real", least=k + 1), features(synthetic, "synthetic")
    same_width(real=truth, synthetic=made)
    # The nearest picture of all is the picture itself.
    radii = np.concatenate([np.partition(part, k, axis=1)[:, k] for part in _distances(truth, truth)])
    inside, covered = 0, np.zeros(len(truth), bool)
    for part in _distances(made, truth):
        within = part < radii
        inside, covered = inside + int(within.sum()), covered | within.any(0)
    return Fidelity(inside / (k * len(made)), float(covered.mean()))


def _distances(rows: Floats, others: Floats) -> Iterator[Floats]:
    """The distances (n, M) of the rows from all others, some rows at a time."""
    from scipy.spatial.distance import cdist

    for start in range(0, len(rows), _CHUNK):
        yield cdist(rows[start : start + _CHUNK], others)
