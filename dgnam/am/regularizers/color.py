"""Limits of an image's colors, for images (N, 3, H, W), BGR, mean-subtracted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...data.preprocessing import MEAN_BGR
from ...errors import DgnamError
from .regularizer import Regularizer, StepContext, check_images


@dataclass(frozen=True)
class ColorRange(Regularizer):
    """Values between black and white: [-mean, 255 - mean] of each channel, BGR.

    Takes effect at its place in a `CompositeRegularizer`; the loop's own clip comes before all regularizers.
    """

    mean: tuple[float, ...] = MEAN_BGR

    @property
    def label(self) -> str:
        return "colors"

    def project(self, codes: Tensor, context: StepContext) -> Tensor:
        check_images(self, codes)
        lower = -torch.tensor(self.mean).to(codes).reshape(-1, 1, 1)
        return torch.minimum(torch.maximum(codes, lower), lower + 255)


@dataclass(frozen=True)
class NormBall(Regularizer):
    """Mean-subtracted colors of a norm of at most `radius`; larger ones are scaled back to it.

    Mahendran and Vedaldi 2016, with a radius of 160.
    """

    radius: float

    def __post_init__(self) -> None:
        if not 0 < self.radius < math.inf:
            raise DgnamError(f"{self}: the radius must be above 0 and finite")

    @property
    def label(self) -> str:
        return f"ball{self.radius:g}"

    def project(self, codes: Tensor, context: StepContext) -> Tensor:
        check_images(self, codes)
        return codes * (self.radius / codes.norm(dim=1, keepdim=True)).clamp(max=1)
