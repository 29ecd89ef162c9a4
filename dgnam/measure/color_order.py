"""A linear classifier that tells pictures in BRG from pictures in RGB (M12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.modifications import brg
from ..errors import ArrayError
from .arrays import Floats, pictures

_LEVELS = 6
_RIDGE = 0.1


@dataclass(frozen=True, eq=False)
class ColorOrder:
    """Weights on a picture's color histogram.

    weights: (LEVELS³,); offset: number.
    """

    weights: Floats
    offset: float

    def score(self, shown: Any) -> Floats:
        """(N,): about 1 for pictures whose channels are in the order blue, red, green, -1 for red, green, blue.

        shown: pictures (N, H, W, 3) uint8.
        """
        return np.asarray(_histograms(pictures(shown, "pictures")) @ self.weights + self.offset, np.float64)


def fit_color_order(regular: Any) -> ColorOrder:
    """Fit on real pictures (N, H, W, 3) uint8 RGB, as they are and in BRG, by ridge regression on ±1.

    Each picture is described by the square roots of the shares of 6x6x6 colors.  On held-out pictures of Tiny ImageNet,
    95 % are told right after a fit on 4,000.
    """
    shown = pictures(regular, "regular")
    rows = np.concatenate([_histograms(shown), _histograms(brg(shown))])
    if len(shown) < 2 or np.array_equal(rows[: len(shown)], rows[len(shown) :]):
        raise ArrayError(f"regular: {len(shown)} pictures whose colors do not tell the order of channels")
    wanted = np.repeat([-1.0, 1.0], len(shown))
    center, scale = rows.mean(0), rows.std(0) + 1e-6
    standard = (rows - center) / scale
    gram = standard.T @ standard + _RIDGE * len(standard) * np.eye(standard.shape[1])
    weights = np.linalg.solve(gram, standard.T @ wanted) / scale
    return ColorOrder(weights, float(-center @ weights))


def _histograms(shown: np.ndarray) -> Floats:
    levels = shown.astype(np.intp) * _LEVELS // 256
    colors = ((levels[..., 0] * _LEVELS + levels[..., 1]) * _LEVELS + levels[..., 2]).reshape(len(shown), -1)
    counts = np.stack([np.bincount(row, minlength=_LEVELS**3) for row in colors])
    return np.asarray(np.sqrt(counts / colors.shape[1]), np.float64)
