"""Rules that draw what is made towards the middle of the image (N, C, H, W)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import DgnamError
from .penalties import Penalty, check_images
from .regularizer import Moment, Rule


@dataclass(frozen=True)
class CentreOnly(Rule):
    """Only the middle moves: the gradient is 0 within `margin` of the border, a part of each side, below 0.5.

    The centre bias of Nguyen et al. 2016, late in a run and for a few steps: margin 50 of 227 pixels
    (Evolving-AI-Lab/mfv, act_max.tvd.center.py).
    """

    margin: float = 50 / 227

    def __post_init__(self) -> None:
        if not 0 <= self.margin < 0.5:
            raise DgnamError(f"{self}: the margin must be at least 0 and below 0.5")

    @property
    def label(self) -> str:
        return f"centre{self.margin:.2g}"

    def masked(self, gradient: Tensor, moment: Moment) -> Tensor:
        check_images(self, gradient)
        height, width = gradient.shape[2:]
        top, left = round(self.margin * height), round(self.margin * width)
        mask = torch.zeros(height, width).to(gradient)
        mask[top : height - top, left : width - left] = 1
        return gradient * mask


@dataclass(frozen=True)
class CentreBias(Penalty):
    """The sum of d^2 * x^2, where d is a pixel's distance from the middle as a part of a corner's: 0 there, 1 here.

    A soft centre bias of ours; the published one is `CentreOnly`.
    """

    @property
    def label(self) -> str:
        return f"bias{self.weight:g}"

    def energy(self, codes: Tensor) -> Tensor:
        check_images(self, codes)
        down, right = (torch.linspace(-1, 1, n).to(codes) for n in codes.shape[2:])
        squares = (down[:, None] ** 2 + right[None] ** 2) / 2
        return (squares * codes * codes).flatten(1).sum(1)
