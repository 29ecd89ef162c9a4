"""Regularizers that draw what is synthesized towards the center of the image (N, C, H, W)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import DgnamError
from .penalty import Penalty
from .regularizer import Regularizer, StepContext, check_images


@dataclass(frozen=True)
class CenterOnly(Regularizer):
    """A zero gradient within `margin` of the border, so that only the center changes.

    margin: part of each side, in [0, 0.5).

    The center bias of Nguyen et al. 2016, late in a run and for a few steps: margin 50 of 227 pixels
    (Evolving-AI-Lab/mfv, act_max.tvd.center.py).
    """

    margin: float = 50 / 227

    def __post_init__(self) -> None:
        if not 0 <= self.margin < 0.5:
            raise DgnamError(f"{self}: the margin must be at least 0 and below 0.5")

    @property
    def label(self) -> str:
        return f"center{self.margin:.2g}"

    def mask(self, gradient: Tensor, context: StepContext) -> Tensor:
        check_images(self, gradient)
        height, width = gradient.shape[2:]
        top, left = round(self.margin * height), round(self.margin * width)
        inside = torch.zeros(height, width).to(gradient)
        inside[top : height - top, left : width - left] = 1
        return gradient * inside


@dataclass(frozen=True)
class CenterBias(Penalty):
    """The sum of d^2 * x^2, with d a pixel's distance from the center: 0 there, 1 in the corners.

    A soft center bias of this project; the published one is `CenterOnly`.
    """

    @property
    def label(self) -> str:
        return f"bias{self.weight:g}"

    def energy(self, codes: Tensor) -> Tensor:
        check_images(self, codes)
        down, right = (torch.linspace(-1, 1, n).to(codes) for n in codes.shape[2:])
        squares = (down[:, None] ** 2 + right[None] ** 2) / 2
        return (squares * codes * codes).flatten(1).sum(1)
