"""Transforms between prior and target: random shifts of the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ..errors import DgnamError


class Transform(Protocol):
    """A differentiable transform of the prior's images before the target sees them; records keep its repr."""

    def __call__(self, image: Tensor, seed: int, step: int) -> Tensor:
        """The transformed image (3, height, width), of the same size, determined by the seed and the step."""
        ...


@dataclass(frozen=True)
class Jitter:
    """A circular shift by up to `pixels` // 2 along each axis, drawn for each step from the job's seed.

    pixels: number of equally likely shifts along each axis; 1 is none.

    If the prior's image is larger than the target's by `pixels` - 1 or more, the target sees a random window of it,
    without the seam, as in Mahendran and Vedaldi 2016; DeepDream shifts with the seam.
    """

    pixels: int

    def __post_init__(self) -> None:
        if self.pixels < 1:
            raise DgnamError(f"Jitter({self.pixels}): the number of shifts must be at least 1")

    def shift(self, seed: int, step: int) -> tuple[int, int]:
        """(down, right), in pixels."""
        down, right = np.random.default_rng([seed, step]).integers(self.pixels, size=2) - self.pixels // 2
        return int(down), int(right)

    def __call__(self, image: Tensor, seed: int, step: int) -> Tensor:
        return torch.roll(image, self.shift(seed, step), (1, 2))
