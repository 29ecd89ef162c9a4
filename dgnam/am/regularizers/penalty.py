"""Penalties: energies of the code, subtracted from the objective."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..checks import check_number
from .regularizer import Regularizer


@dataclass(frozen=True)
class Penalty(Regularizer):
    """`weight` times `energy` of the code, subtracted from the objective; override `energy`."""

    weight: float

    def __post_init__(self) -> None:
        check_number(f"{self}: the weight", self.weight, least=0)

    def energy(self, codes: Tensor) -> Tensor:
        """(N,), of codes (N, *code_shape)."""
        raise NotImplementedError

    def penalty_gradient(self, codes: Tensor) -> Tensor:
        """-weight * the energy's gradient, by autograd."""
        with torch.enable_grad():
            leaf = codes.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.energy(leaf).sum(), leaf)
        return -self.weight * slope
