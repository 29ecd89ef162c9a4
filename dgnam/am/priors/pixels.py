"""No prior: the code is the image, each pixel free.  The control that shows what the generator adds."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class PixelPrior:
    """Pixels as the code: (3, height, width), BGR, mean-subtracted.

    The published start, N(0, 1), is faint noise around the mean here, and steps are in gray levels of 255.  Clip to
    `color_bounds(size)` to keep each pixel a displayable color.
    """

    def __init__(self, size: tuple[int, int]):
        self.image_size = size
        self.code_shape: tuple[int, ...] = (3, *size)

    def __call__(self, codes: Tensor) -> Tensor:
        return codes

    def codes_of(self, images: np.ndarray) -> np.ndarray:
        """The codes of images, which they are themselves."""
        return np.asarray(images, np.float32)

    def to(self, device: torch.device) -> None:
        return None
