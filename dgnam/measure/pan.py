"""The motion of a clip as a whole (M13)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ..am.checks import whole_number
from ..errors import ArrayError
from .arrays import Floats, finite
from .sharpness import LUMA

_ROUNDING = 1e-9
"""Values of a frame that differ by no more than this part of them differ by rounding errors."""


def pan_between_frames(clip: Any, *, subpixels: int = 10) -> Floats:
    """How far the picture moves from each frame to the next, (T - 1, 2) in pixels, down and to the right.

    It is the peak of the phase correlation (C. Kuglin, D. Hines, 1975) to 1/subpixels of a pixel, under a Hann window,
    without which smooth frames are registered by their borders.  On photographs at 64 pixels, blurred by 1 pixel, all
    motions by up to 6 are found to half a pixel; motion by more than half a side is not.

    clip: (T, H, W, 3) RGB or (T, H, W), of any numbers.  From and to a frame without contrast, all of one number, in
        which nothing is seen to move, the motion is 0.
    """
    from skimage.registration import phase_cross_correlation

    frames = finite(clip, "clip", 3, 4)
    if frames.ndim == 4:
        if frames.shape[3] != 3:
            raise ArrayError(f"clip {frames.shape}: (T, H, W, 3) or (T, H, W) is needed")
        frames = frames @ np.array(LUMA)
    if len(frames) < 2:
        raise ArrayError("clip: two frames or more are needed")
    fine = whole_number("subpixels", subpixels, 1)
    height, width = frames.shape[1:]
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    blank = np.ptp(frames, (1, 2)) <= _ROUNDING * np.abs(frames).max((1, 2))
    frames = (frames - frames.mean((1, 2), keepdims=True)) * window
    # The shift that registers the later frame with the earlier one is the motion back.
    back = [
        np.zeros(2) if blank[place : place + 2].any() else phase_cross_correlation(*pair, upsample_factor=fine)[0]
        for place, pair in enumerate(pairwise(frames))
    ]
    return -np.asarray(back, np.float64) + 0.0
