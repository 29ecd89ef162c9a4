"""AdaGrad with momentum."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import DgnamError
from .update_rule import UpdateRule, per_row


@dataclass(frozen=True)
class AdaGradStep(UpdateRule):
    """Momentum over steps divided by the magnitude of past gradients, number by number.

        G = momentum * G + g^2
        v = momentum * v + g / (1 / step size + sqrt(G))            the step is v

    Mahendran and Vedaldi 2016 (nnpreimage, core/nnpreimage.m), with a momentum of 0.9.
    """

    momentum: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise DgnamError(f"{self}: momentum must be at least 0 and below 1")

    def step(self, gradient: Tensor, step_sizes: Tensor, state: dict[str, Tensor]) -> Tensor:
        zero = torch.zeros_like(gradient)
        squares = self.momentum * state.get("squares", zero) + gradient * gradient
        sizes = per_row(1 / step_sizes, gradient) + squares.sqrt()
        velocity = self.momentum * state.get("velocity", zero) + gradient / sizes
        state["squares"], state["velocity"] = squares, velocity
        return velocity
