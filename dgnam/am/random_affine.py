"""Transformation robustness: the image shifted, scaled and rotated at random before the target sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..data.preprocessing import MEAN_BGR
from ..errors import DgnamError

_SCALES = 11
"""Number of equally likely factors."""

_UPRIGHT = 5
"""How many more times than any other angle 0 degrees is in the draw."""

_GRAY = 127.5
"""What is seen beyond the image's border."""


@dataclass(frozen=True)
class RandomAffine:
    """A shift, a scaling, a rotation and another shift, drawn for each step from the job's seed; gray outside.

    shift, last_shift: the first and the last shift move the image by a whole number of pixels, up to so many in all
        along each axis: from -shift / 2 to shift / 2.
    scale: eleven factors from 1 - scale to 1 + scale.
    angle: whole degrees from -angle to angle, and none five times more.

    Olah et al. 2017; the defaults are Lucid's `standard_transforms`, for images of 128 and nets of 224 pixels.  Lucid
    resamples the image for each and lets the net see the size that comes out; here one bilinear sampling does all, and
    the size stays.
    """

    shift: int = 8
    scale: float = 0.1
    angle: int = 10
    last_shift: int = 4

    def __post_init__(self) -> None:
        if min(self.shift, self.last_shift, self.angle) < 0 or not 0 <= self.scale < 1:
            raise DgnamError(f"{self}: give shifts and an angle of at least 0, and a scale in [0, 1)")

    def __call__(self, image: Tensor, seed: int, step: int) -> Tensor:
        gray = _GRAY - torch.tensor(MEAN_BGR).to(image).view(3, 1, 1)
        _, height, width = image.shape
        matrix = torch.from_numpy(self._sampling(seed, step, height, width)).to(image)
        grid = torch.nn.functional.affine_grid(matrix[None], [1, 3, height, width], align_corners=False)
        moved = torch.nn.functional.grid_sample((image - gray)[None], grid, "bilinear", "zeros", align_corners=False)
        return moved[0] + gray

    def draw(self, seed: int, step: int) -> tuple[np.ndarray, float, float, np.ndarray]:
        """First shift (right, down), factor, angle in degrees, and last shift of a step."""
        generator = np.random.default_rng([seed, step])
        first, last = (generator.integers(d + 1, size=2) - d / 2 for d in (self.shift, self.last_shift))
        factor = 1 + self.scale * (generator.integers(_SCALES) / (_SCALES // 2) - 1)
        angles = [*range(-self.angle, self.angle + 1), *[0] * _UPRIGHT]
        return first, float(factor), float(angles[generator.integers(len(angles))]), last

    def _sampling(self, seed: int, step: int, height: int, width: int) -> np.ndarray:
        """(2, 3): where in the image each place of the result comes from, both from -1 to 1 along each axis.

        A place x of the image goes to rotation @ (factor * (x + first)) + last.
        """
        first, factor, angle, last = self.draw(seed, step)
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        back = np.array([[cosine, sine], [-sine, cosine]]) / factor
        half = np.array([width / 2, height / 2])
        return np.column_stack([back * half[None] / half[:, None], (-back @ last - first) / half])
