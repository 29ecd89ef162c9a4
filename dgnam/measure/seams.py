"""Seams of pictures cut into quarters (M12)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArrayError
from .arrays import Floats, pictures


def seam_energy(shown: Any) -> Floats:
    """s / (s + o), (N,): s the mean absolute difference across the two lines between quarters, o across all others.

    It is near 0.5 for pictures without seams, 1 for those with nothing else; 0.5 for a picture of one color.  Tiny
    ImageNet's held-out pictures have a mean of 0.53, and 0.74 when cut up.

    shown: pictures (N, H, W, 3) uint8, H and W even; the lines are in the middle, also of a central crop.
    """
    found = pictures(shown, "pictures")
    height, width = found.shape[1:3]
    if height % 2 or width % 2 or min(height, width) < 4:
        raise ArrayError(f"pictures of {height}x{width} have no quarters; height and width must be even, 4 or more")
    values = found.astype(np.float64)
    down = np.abs(np.diff(values, axis=1)).mean((2, 3))
    across = np.abs(np.diff(values, axis=2)).mean((1, 3))
    seams = down[:, height // 2 - 1] + across[:, width // 2 - 1]
    others = (down.sum(1) - down[:, height // 2 - 1]) / (height - 2)
    others += (across.sum(1) - across[:, width // 2 - 1]) / (width - 2)
    return np.divide(seams, seams + others, out=np.full(len(found), 0.5), where=seams + others > 0)
