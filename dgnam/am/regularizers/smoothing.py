"""Rules that smooth an image (N, C, H, W) after a step: Gaussian blur, and denoising by total variation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ...errors import DgnamError, optional_module
from .penalties import check_images
from .regularizer import Moment, Rule

_TRUNCATE = 4.0
"""Where the bell ends, in radii: the default of scipy's gaussian_filter."""


@dataclass(frozen=True)
class Blur(Rule):
    """A Gaussian blur of standard deviation `radius` pixels, after the steps 0, `every`, 2 * `every` …

    Yosinski et al. 2015; their code calls scipy's `gaussian_filter` on each channel, which reflects the image at its
    border and ends the bell at 4 radii, as here.  Their radii are for images of 227 pixels.
    """

    radius: float
    every: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.radius < math.inf or self.every < 1:
            raise DgnamError(f"{self}: the radius must be above 0 and finite, and `every` at least 1")

    @property
    def label(self) -> str:
        return f"blur{self.radius:g}x{self.every}"

    def after(self, codes: Tensor, moment: Moment) -> Tensor:
        return codes if moment.step % self.every else self.shrink(codes)

    def shrink(self, codes: Tensor) -> Tensor:
        """All of them, blurred."""
        check_images(self, codes)
        rows, columns = (torch.from_numpy(blur_matrix(n, self.radius)).to(codes) for n in codes.shape[2:])
        return rows @ codes @ columns.T


@dataclass(frozen=True)
class Denoise(Rule):
    """Denoising by total variation after each step: the image u near x of the least |grad u| + weight * (u - x)^2.

    The weight goes from `start` to about `start + end` in `steps` steps; the smaller, the smoother.  Nguyen et al. 2016
    (their code: Evolving-AI-Lab/mfv, act_max.tvd.center.py): scikit-image's `denoise_tv_bregman` on values of 0 to
    255, at most 100 sweeps, and the weight of step i of n as their line has it: start - (start - end * i) / n.
    """

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        if not (self.start > 0 and self.end >= 0 and self.steps > 1):
            raise DgnamError(f"{self}: give start above 0, end of at least 0 and two steps or more")

    @property
    def label(self) -> str:
        return f"tvd{self.start:g}-{self.end:g}"

    def weight(self, step: int) -> float:
        return self.start - (self.start - self.end * step) / self.steps

    def after(self, codes: Tensor, moment: Moment) -> Tensor:
        check_images(self, codes)
        images = codes.detach().cpu().numpy().astype(np.float64)
        denoised = [_denoised(image, self.weight(moment.step)) for image in images]
        return torch.from_numpy(np.stack(denoised).astype(np.float32)).to(codes)


@lru_cache(maxsize=16)
def blur_matrix(n: int, radius: float) -> np.ndarray:
    """(n, n) float32 that blurs a column of n pixels; past the border it is read backwards, edge pixel first."""
    reach = int(_TRUNCATE * radius + 0.5)
    offsets = np.arange(-reach, reach + 1)
    bell = np.exp(-0.5 * (offsets / radius) ** 2)
    bell /= bell.sum()
    matrix = np.zeros((n, n))
    for pixel in range(n):
        places = (pixel + offsets) % (2 * n)
        np.add.at(matrix[pixel], np.where(places < n, places, 2 * n - 1 - places), bell)
    return matrix.astype(np.float32)


def _denoised(image: np.ndarray, weight: float) -> np.ndarray:
    if not np.isfinite(image).all():
        return image  # the sweeps would spread it
    restoration = optional_module("skimage.restoration", "denoising by total variation", "scikit-image")
    return restoration.denoise_tv_bregman(image, weight=weight, max_num_iter=100, eps=1e-3, channel_axis=0)
