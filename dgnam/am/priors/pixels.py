"""No prior: the code is the image, each pixel free.  The control that shows what the generator adds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...data.image_set import MEAN_BGR
from ..regularizers.bounds import Bounds


class PixelPrior:
    """Pixels as the code: (3, height, width), BGR, mean-subtracted.

    It starts as a generator does, from N(0, 1) by the job's seed, which in pixels is faint noise around the mean;
    steps have the same size, in grey levels of 255 now; `bounds` keeps each pixel a colour that a picture can have.
    """

    def __init__(self, size: tuple[int, int], mean: Sequence[float] = MEAN_BGR):
        self.image_size = size
        self.code_shape: tuple[int, ...] = (3, *size)
        self.mean = np.asarray(mean, dtype=np.float32).reshape(3, 1, 1)

    @property
    def bounds(self) -> Bounds:
        """From black to white, minus the mean: [-mean, 255 - mean] of each channel."""
        lower = np.broadcast_to(-self.mean, self.code_shape)
        return Bounds(lower, lower + np.float32(255))

    def __call__(self, codes: Tensor) -> Tensor:
        return codes

    def to(self, device: torch.device) -> None:
        return None
