"""Clipping of pixels that matter little, in images (N, C, H, W): Yosinski et al. 2015, Sec. 3.

Source: yosinski/deep-visualization-toolbox, optimize/gradient_optimizer.py (`small_norm_percentile`,
`px_abs_benefit_percentile`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import DgnamError
from .regularizer import Regularizer, StepContext, check_images


@dataclass(frozen=True)
class ClipSmallNorm(Regularizer):
    """0, the mean color, for pixels whose color has a norm below the image's `percent` percentile."""

    percent: float

    def __post_init__(self) -> None:
        _check_percent(self, self.percent)

    @property
    def label(self) -> str:
        return f"norm{self.percent:g}pct"

    def project(self, codes: Tensor, context: StepContext) -> Tensor:
        check_images(self, codes)
        return _zero_smallest(codes, codes.norm(dim=1), self.percent)


@dataclass(frozen=True)
class ClipSmallContribution(Regularizer):
    """0, the mean color, for pixels whose contribution is below the image's `percent` percentile.

    A pixel's contribution is |sum over channels of x * gradient|: to first order, what the activation loses without
    it.  As in the published code, x is the image after the step and the gradient that before it.
    """

    percent: float

    def __post_init__(self) -> None:
        _check_percent(self, self.percent)

    @property
    def label(self) -> str:
        return f"contribution{self.percent:g}pct"

    def project(self, codes: Tensor, context: StepContext) -> Tensor:
        check_images(self, codes)
        return _zero_smallest(codes, (codes * context.gradient).sum(1).abs(), self.percent)


def percentile(values: Tensor, percent: float) -> Tensor:
    """(N, 1): percentile of each row of `values` (N, n), with linear interpolation as in NumPy."""
    ordered = values.sort(dim=1).values
    place = (values.shape[1] - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, values.shape[1] - 1)
    return torch.lerp(ordered[:, below : below + 1], ordered[:, above : above + 1], place - below)


def _zero_smallest(images: Tensor, sizes: Tensor, percent: float) -> Tensor:
    """`images` (N, C, H, W) with 0 where `sizes` (N, H, W) are below the percentile."""
    flat = sizes.flatten(1)
    small = (flat < percentile(flat, percent)).view(sizes.shape)
    return torch.where(small[:, None], torch.zeros_like(images), images)


def _check_percent(regularizer: Regularizer, percent: float) -> None:
    if not 0 <= percent <= 100:
        raise DgnamError(f"{regularizer}: give a percentage of 0 to 100")
