"""Sharpness of pictures (M12)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Floats, pictures

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""


def laplacian_sharpness(shown: Any) -> Floats:
    """The standard deviation of the Laplacian of each picture's luma, (N,) in gray levels; 0 for one color.

    shown: pictures (N, H, W, 3) uint8.  (Its square is the focus measure of J. Pech-Pacheco et al.: Diatom
    autofocusing in brightfield microscopy. ICPR 2000.)
    """
    from scipy.ndimage import laplace

    luma = pictures(shown, "pictures") @ np.array(LUMA)
    return np.array([laplace(picture, mode="nearest").std() for picture in luma])
