"""Total variation: the differences between neighboring pixels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import DgnamError
from .penalty import Penalty
from .regularizer import check_images

_FLAT = 1e-12
"""Smaller squared differences count as none: a power below 1 has no gradient at 0."""


@dataclass(frozen=True)
class TotalVariation(Penalty):
    """The sum over channels of the mean over pixels of

        ((x(i, j + 1) - x(i, j))^2 + (x(i + 1, j) - x(i, j))^2) ^ (power / 2)

    for images (N, C, H, W), with differences across the border 0.  Mahendran and Vedaldi 2016 use power 2 in their
    code, weight (6.5 / 80)^2; power 1, at the least, is total variation proper, which keeps sharp edges.
    """

    power: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.power >= 1:
            raise DgnamError(f"{self}: the power must be at least 1")

    @property
    def label(self) -> str:
        return f"tv{self.power:g}_{self.weight:g}"

    def energy(self, codes: Tensor) -> Tensor:
        check_images(self, codes)
        across = torch.nn.functional.pad(codes[..., :, 1:] - codes[..., :, :-1], (0, 1))
        down = torch.nn.functional.pad(codes[..., 1:, :] - codes[..., :-1, :], (0, 0, 0, 1))
        squares = across * across + down * down
        varied = squares if self.power == 2 else squares.clamp_min(_FLAT) ** (self.power / 2)
        return varied.mean((2, 3)).sum(1)
