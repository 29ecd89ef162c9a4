"""A way between prior and target that differs from step to step: the image, shifted at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ..errors import DgnamError


class Transform(Protocol):
    """From the prior's images to those that the target gets to see, differentiable; its text is recorded."""

    def __call__(self, image: Tensor, seed: int, step: int) -> Tensor:
        """An image (3, height, width) of the same size; the same for the same seed and step."""
        ...


@dataclass(frozen=True)
class Jitter:
    """A shift by up to `pixels` // 2 to each side, in each direction, drawn anew for each step from the job's seed.

    There are `pixels` equally likely shifts along each axis (1: none).  What leaves the image on one side comes in on
    the other; where the prior's image is larger than the target's by `pixels` - 1 or more, the target sees a window at
    a random place instead, and never the seam.
    (Mahendran and Vedaldi 2016 take such windows; DeepDream shifts with the seam.)
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
