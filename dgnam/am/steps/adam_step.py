"""Adam."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import DgnamError
from .update_rule import UpdateRule, per_row

_EPSILON = 1e-8


@dataclass(frozen=True)
class AdamStep(UpdateRule):
    """The running mean of gradients over the root of the running mean of their squares, number by number.

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        step size * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + 1e-8)        the step number t

    Kingma and Ba 2015; the optimizer of Olah et al. 2017, with a step size of 0.05.
    """

    beta1: float = 0.9
    beta2: float = 0.999

    def __post_init__(self) -> None:
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1):
            raise DgnamError(f"{self}: beta1 and beta2 must be at least 0 and below 1")

    def step(self, gradient: Tensor, step_sizes: Tensor, state: dict[str, Tensor]) -> Tensor:
        zero = torch.zeros_like(gradient)
        mean = self.beta1 * state.get("mean", zero) + (1 - self.beta1) * gradient
        squares = self.beta2 * state.get("squares", zero) + (1 - self.beta2) * gradient * gradient
        count = state.get("count", torch.zeros((), dtype=torch.int64)) + 1
        state["mean"], state["squares"], state["count"] = mean, squares, count
        number = int(count)
        unbiased = (squares / (1 - self.beta2**number)).sqrt() + _EPSILON
        return per_row(step_sizes, gradient) * (mean / (1 - self.beta1**number)) / unbiased
