"""Are pictures copies of training pictures (M11)?

Pictures far from the data are far from each training picture too, so a plain distance hides copying.  `copying_ratio`
divides the nearest distance by the next ones; `copying_z` and `authentic` compare with held-out and training pictures.
All take the distances that `neighbors.nearest` or `pixel_neighbors.nearest_pictures` found.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..am.checks import whole_number
from ..errors import ArrayError
from .arrays import Floats, finite, labels, same_length


def copying_ratio(distances: Any) -> Floats:
    """The nearest distance over the mean of the next ones, (N,): 0 for a copy, 1 where none stands out.

    distances: (N, k) from each picture to its k nearest training pictures, the nearest first; k is 50 in our claims.
    A picture whose k neighbors are all at distance 0 is a copy: 0.
    """
    found = finite(distances, "distances", 2)
    if found.shape[1] < 2 or found.min() < 0 or (np.diff(found, axis=1) < 0).any():
        raise ArrayError(f"distances {found.shape}: two or more a row are needed, none below 0, the nearest first")
    others = found[:, 1:].mean(1)
    return np.divide(found[:, 0], others, out=np.zeros(len(found)), where=others > 0)


def copying_z(
    generated: Any, held_out: Any, *, cells: Any = None, held_out_cells: Any = None, least: int = 20
) -> float:
    """C_T, the data-copying test: far below 0 (such as -3) for copies, far above 0 for underfitting, else N(0, 1).

    The z-score of the Mann-Whitney U of both sets' distances to the nearest training picture, in each cell of the
    space, averaged by the share of held-out pictures (C. Meehan, K. Chaudhuri, S. Dasgupta: A non-parametric test to
    detect data-copying in generative models. AISTATS 2020).  With more than one cell its deviation is below 1.

    generated, held_out: (N,) and (M,) distances, to the training pictures of the same cell where there are cells.
    cells, held_out_cells: (N,) and (M,) labels, such as clusters of the training pictures, or classes.
    least: fewest generated pictures of a cell that counts; 20 in the authors' experiments.
    """
    ours, theirs = finite(generated, "generated", 1), finite(held_out, "held_out", 1)
    if (cells is None) != (held_out_cells is None):
        raise ArrayError("cells and held_out_cells: give both or neither")
    if cells is None:
        return _z(ours, theirs)
    own, other = labels(cells, "cells"), labels(held_out_cells, "held_out_cells")
    same_length(generated=ours, cells=own)
    same_length(held_out=theirs, held_out_cells=other)
    least = whole_number("least", least, 1)
    used = [cell for cell in np.unique(other) if (own == cell).sum() >= least]
    if not used:
        raise ArrayError(f"cells: none with held-out pictures has {least} generated ones or more; use fewer cells")
    shares = [(other == cell).sum() for cell in used]
    scores = [_z(ours[own == cell], theirs[other == cell]) for cell in used]
    return float(np.average(scores, weights=shares))


def _z(generated: Floats, held_out: Floats) -> float:
    from scipy.stats import mannwhitneyu

    n, m = len(held_out), len(generated)
    u = mannwhitneyu(generated, held_out).statistic
    return float((u - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12))


def authentic(distances: Any, neighbor_distances: Any) -> np.ndarray:
    """Which pictures (N,) are farther from their nearest training picture than that is from its own nearest one.

    Their share is AuthPct (A. Alaa, B. van Breugel, E. Saveliev, M. van der Schaar: How faithful is your synthetic
    data? ICML 2022).  It depends on the data what share real pictures have, so that of held-out ones stands beside it.

    distances: (N,) to the nearest training picture.
    neighbor_distances: (N,) from that training picture to the nearest other one.
    """
    ours, theirs = finite(distances, "distances", 1), finite(neighbor_distances, "neighbor_distances", 1)
    same_length(distances=ours, neighbor_distances=theirs)
    return np.asarray(ours > theirs)
