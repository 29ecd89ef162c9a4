"""Penalties on the size of codes, or of an image's colors."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ...errors import DgnamError
from .penalty import Penalty
from .regularizer import check_images


@dataclass(frozen=True)
class L2Penalty(Penalty):
    """The sum of squares, subtracted from the class score in Eq. 1 of Simonyan et al. 2014."""

    @property
    def label(self) -> str:
        return f"l2_{self.weight:g}"

    def energy(self, codes: Tensor) -> Tensor:
        return (codes * codes).flatten(1).sum(1)


@dataclass(frozen=True)
class L1Penalty(Penalty):
    """The sum of magnitudes; its gradient at 0 is 0."""

    @property
    def label(self) -> str:
        return f"l1_{self.weight:g}"

    def energy(self, codes: Tensor) -> Tensor:
        return codes.abs().flatten(1).sum(1)


@dataclass(frozen=True)
class NormPower(Penalty):
    """The mean over pixels of the color's Euclidean norm to `power`, at least 2, for images (N, C, H, W).

    A high power leaves moderate colors alone and bounds the others softly: the bounded range of Mahendran and Vedaldi
    2016, with power 6 and weight 80^-6.
    """

    power: float = 6.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.power >= 2:
            raise DgnamError(f"{self}: the power must be at least 2")

    @property
    def label(self) -> str:
        return f"norm{self.power:g}_{self.weight:g}"

    def energy(self, codes: Tensor) -> Tensor:
        check_images(self, codes)
        return ((codes * codes).sum(1) ** (self.power / 2)).flatten(1).mean(1)
