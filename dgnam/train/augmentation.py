"""Augment training pictures: random windows, brightness, contrast, saturation and noise, anew in each epoch.

A net that is to tell classes apart from 350 pictures each learns more from them so [1]_; noise keeps it from relying on
what no eye sees.

.. [1] C. Szegedy et al.: Going deeper with convolutions. CVPR 2015 (Sec. 6: areas of 8 to 100 %, sides of 3:4 to 4:3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import DgnamError

_GRAY = torch.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)
"""The weights of red, green and blue in a picture's gray (ITU-R BT.601)."""


@dataclass(frozen=True)
class Augmentation:
    """How pictures are varied; each value is drawn evenly from its range, anew for each picture.

    area: the smallest share of a picture's area that a window has, up to 1.
    stretch: the largest ratio of a window's sides, before it is brought to a square.
    light: the most that contrast changes by, in shares of itself, up or down; brightness by half of that, in shares of
        255.
    color: the most that saturation changes by, in shares of itself.
    noise: the largest standard deviation of Gaussian noise, in gray levels of 255; half of the pictures have none.
    """

    area: float = 1.0
    stretch: float = 1.0
    light: float = 0.0
    color: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.area <= 1:
            raise DgnamError(f"area {self.area}: give a share of the picture's area, above 0 and at most 1")
        if not 1 <= self.stretch <= 4:
            raise DgnamError(f"stretch {self.stretch}: give a ratio of 1 to 4")
        for name, value, most in (("light", self.light, 1), ("color", self.color, 1), ("noise", self.noise, 255)):
            if not 0 <= value <= most:
                raise DgnamError(f"{name} {value}: give a number of 0 to {most}")

    def __call__(self, pictures: np.ndarray, side: int, mirror: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        """A varied window of each picture, flipped left to right where `mirror` (N,) says so.

        pictures: (N, H, W, 3) uint8 RGB.  Returns (N, side, side, 3) uint8 RGB.
        """
        x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
        varied = self.varied(x, side, mirror, draw)
        return np.ascontiguousarray(varied.permute(0, 2, 3, 1).to(torch.uint8).numpy())

    def varied(self, x: Tensor, side: int, mirror: np.ndarray, draw: np.random.Generator) -> Tensor:
        """The same on any device: (N, 3, H, W) float RGB → (N, 3, side, side), whole numbers of 0 to 255."""
        x = F.grid_sample(x, self._windows(x, side, mirror, draw), "bilinear", "border", align_corners=False)
        count = len(x)
        if self.light:
            level = 255 * _each(draw.uniform(-self.light, self.light, count), x)
            contrast = _each(draw.uniform(1 - self.light, 1 + self.light, count), x)
            middle = x.mean((1, 2, 3), keepdim=True)
            x = (x - middle) * contrast + middle + level / 2
        if self.color:
            gray = (x * _GRAY.to(x.device)).sum(1, keepdim=True)
            x = gray + (x - gray) * _each(draw.uniform(1 - self.color, 1 + self.color, count), x)
        if self.noise:
            spread = draw.uniform(-self.noise, self.noise, count).clip(0)
            chance = torch.Generator(x.device).manual_seed(int(draw.integers(1 << 62)))
            x = x + _each(spread, x) * torch.randn(x.shape, generator=chance, device=x.device)
        return x.round_().clamp_(0, 255)

    def _windows(self, x: Tensor, side: int, mirror: np.ndarray, draw: np.random.Generator) -> Tensor:
        """Where `grid_sample` reads each pixel: (N, side, side, 2)."""
        count = len(x)
        share = draw.uniform(self.area, 1, count)
        bend = np.exp(draw.uniform(-1, 1, count) * math.log(self.stretch) / 2)
        high, wide = np.sqrt(share) * bend, np.sqrt(share) / bend
        high, wide = high.clip(max=1), wide.clip(max=1)
        top, left = draw.uniform(high - 1, 1 - high), draw.uniform(wide - 1, 1 - wide)
        turn = np.where(mirror, -wide, wide)
        zero = np.zeros(count)
        theta = np.stack([np.stack([turn, zero, left], 1), np.stack([zero, high, top], 1)], 1)
        there = torch.from_numpy(theta).float().to(x.device)
        return F.affine_grid(there, [count, 3, side, side], align_corners=False)


def _each(values: np.ndarray, images: Tensor) -> Tensor:
    """A value to each image, where the images are."""
    return torch.from_numpy(values).float().reshape(-1, 1, 1, 1).to(images.device)
