"""Penalties: numbers that are subtracted from the activation, so that their gradients join its gradient."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import DgnamError
from .regularizer import Rule

_FLAT = 1e-12
"""Squared differences below this count as none, since a power below 1 has no gradient at 0."""


@dataclass(frozen=True)
class Penalty(Rule):
    """`weight` times `energy` of the code is subtracted from what is maximized."""

    weight: float

    def __post_init__(self) -> None:
        if not 0 <= self.weight < float("inf"):
            raise DgnamError(f"{self}: the weight must be finite and at least 0")

    @abstractmethod
    def energy(self, codes: Tensor) -> Tensor:
        """(N,), of codes (N, *code_shape)."""

    def gradient(self, codes: Tensor) -> Tensor:
        """-weight * the energy's gradient, by autograd."""
        with torch.enable_grad():
            leaf = codes.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.energy(leaf).sum(), leaf)
        return -self.weight * slope


@dataclass(frozen=True)
class L2Penalty(Penalty):
    """The sum of squares, as Simonyan et al. 2014 regularise the class score (their Eq. 1)."""

    @property
    def label(self) -> str:
        return f"l2_{self.weight:g}"

    def energy(self, codes: Tensor) -> Tensor:
        return (codes * codes).flatten(1).sum(1)


@dataclass(frozen=True)
class L1Penalty(Penalty):
    """The sum of sizes; its gradient at 0 is 0."""

    @property
    def label(self) -> str:
        return f"l1_{self.weight:g}"

    def energy(self, codes: Tensor) -> Tensor:
        return codes.abs().flatten(1).sum(1)


@dataclass(frozen=True)
class NormPower(Penalty):
    """The mean over pixels of the colour's Euclidean norm to the power `power`, at least 2, in images (N, C, H, W).

    With a high power it leaves moderate colours alone and bounds the rest softly: the bounded range of Mahendran and
    Vedaldi 2016, with power 6 and weight 80^-6.
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


@dataclass(frozen=True)
class TotalVariation(Penalty):
    """How much neighbours differ, in images (N, C, H, W): the sum over channels of the mean over pixels of

        ((x(i, j + 1) - x(i, j))^2 + (x(i + 1, j) - x(i, j))^2) ^ (power / 2)

    where a difference across the border is 0.  Mahendran and Vedaldi 2016 have power 2 in their code, weight
    (6.5 / 80)^2; power 1 is total variation proper and leaves sharp edges.
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


def check_images(rule: Rule, codes: Tensor) -> None:
    """Raise DgnamError unless the codes are images."""
    if codes.dim() != 4:
        raise DgnamError(
            f"{rule}: it is for images (N, channels, height, width), so for pixels as the code, and the codes have "
            f"shape {tuple(codes.shape)}"
        )
