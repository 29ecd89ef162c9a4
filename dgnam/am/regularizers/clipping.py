"""Rules that clip an image (N, C, H, W) after a step: pixels that matter little, and colours that go too far."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...data.image_set import MEAN_BGR
from ...errors import DgnamError
from .penalties import check_images
from .regularizer import Moment, Rule


@dataclass(frozen=True)
class SmallNorm(Rule):
    """Pixels whose colour has a norm below the image's `percent` percentile become 0, the mean colour.

    Yosinski et al. 2015: what is not needed for the activation is to be empty.
    """

    percent: float

    def __post_init__(self) -> None:
        _check_percent(self, self.percent)

    @property
    def label(self) -> str:
        return f"norm{self.percent:g}pct"

    def shrink(self, codes: Tensor) -> Tensor:
        check_images(self, codes)
        return _without_the_least(codes, codes.norm(dim=1), self.percent)


@dataclass(frozen=True)
class SmallContribution(Rule):
    """Pixels that contribute less than the image's `percent` percentile become 0, the mean colour.

    Yosinski et al. 2015: a pixel's contribution is |the sum over channels of x * gradient|, to first order what the
    activation would lose without it.  As in their code, x is the image after the step and the gradient that before it.
    """

    percent: float

    def __post_init__(self) -> None:
        _check_percent(self, self.percent)

    @property
    def label(self) -> str:
        return f"contribution{self.percent:g}pct"

    def after(self, codes: Tensor, moment: Moment) -> Tensor:
        check_images(self, codes)
        return _without_the_least(codes, (codes * moment.gradient).sum(1).abs(), self.percent)


@dataclass(frozen=True)
class ColourRange(Rule):
    """Values are kept between black and white: [-mean, 255 - mean] of each channel, BGR.

    As a rule it comes where its place among `Rules` is; the loop's own clip comes before all of them.
    """

    mean: tuple[float, ...] = MEAN_BGR

    @property
    def label(self) -> str:
        return "colours"

    def shrink(self, codes: Tensor) -> Tensor:
        check_images(self, codes)
        lower = -torch.tensor(self.mean).to(codes).reshape(-1, 1, 1)
        return torch.minimum(torch.maximum(codes, lower), lower + 255)


@dataclass(frozen=True)
class NormBall(Rule):
    """A pixel whose colour, less the mean, has a norm above `radius` is scaled back to it.

    Mahendran and Vedaldi 2016, with a radius of 160.
    """

    radius: float

    def __post_init__(self) -> None:
        if not 0 < self.radius < math.inf:
            raise DgnamError(f"{self}: the radius must be above 0 and finite")

    @property
    def label(self) -> str:
        return f"ball{self.radius:g}"

    def shrink(self, codes: Tensor) -> Tensor:
        check_images(self, codes)
        return codes * (self.radius / codes.norm(dim=1, keepdim=True)).clamp(max=1)


def percentile(values: Tensor, percent: float) -> Tensor:
    """(N, 1): the percentile of each row of `values` (N, n), between neighbours linearly, as NumPy has it."""
    ordered = values.sort(dim=1).values
    place = (values.shape[1] - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, values.shape[1] - 1)
    return torch.lerp(ordered[:, below : below + 1], ordered[:, above : above + 1], place - below)


def _without_the_least(images: Tensor, sizes: Tensor, percent: float) -> Tensor:
    """`images` (N, C, H, W) with 0 where `sizes` (N, H, W) are below the percentile."""
    flat = sizes.flatten(1)
    small = (flat < percentile(flat, percent)).view(sizes.shape)
    return torch.where(small[:, None], torch.zeros_like(images), images)


def _check_percent(rule: Rule, percent: float) -> None:
    if not 0 <= percent <= 100:
        raise DgnamError(f"{rule}: give a percentage of 0 to 100")
