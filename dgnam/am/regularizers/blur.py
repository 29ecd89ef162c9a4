"""Gaussian blur of an image (N, C, H, W) every few steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ...errors import DgnamError
from .regularizer import Regularizer, StepContext, check_images

_TRUNCATE = 4.0
"""Reach of the kernel in standard deviations: the default of scipy's gaussian_filter."""


@dataclass(frozen=True)
class Blur(Regularizer):
    """A Gaussian blur of standard deviation `radius` pixels, after the steps 0, `every`, 2 * `every`, …

    Yosinski et al. 2015.  Their code calls scipy's `gaussian_filter` on each channel, with reflection at the border
    and a kernel truncated at 4 radii, as here.  Their radii are for images of 227 pixels.
    """

    radius: float
    every: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.radius < math.inf or self.every < 1:
            raise DgnamError(f"{self}: the radius must be above 0 and finite, and `every` at least 1")

    @property
    def label(self) -> str:
        return f"blur{self.radius:g}x{self.every}"

    def project(self, codes: Tensor, context: StepContext) -> Tensor:
        if context.step % self.every:
            return codes
        check_images(self, codes)
        rows, columns = (torch.from_numpy(blur_matrix(n, self.radius)).to(codes) for n in codes.shape[2:])
        return rows @ codes @ columns.T


@lru_cache(maxsize=16)
def blur_matrix(n: int, radius: float) -> np.ndarray:
    """(n, n) float32: blurs a column of n pixels, reflected at the border with the edge pixel repeated."""
    reach = int(_TRUNCATE * radius + 0.5)
    offsets = np.arange(-reach, reach + 1)
    bell = np.exp(-0.5 * (offsets / radius) ** 2)
    bell /= bell.sum()
    matrix = np.zeros((n, n))
    for pixel in range(n):
        places = (pixel + offsets) % (2 * n)
        np.add.at(matrix[pixel], np.where(places < n, places, 2 * n - 1 - places), bell)
    return matrix.astype(np.float32)
