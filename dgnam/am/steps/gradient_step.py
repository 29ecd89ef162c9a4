"""Gradient ascent, with a fixed rate or one chosen by the increase."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..checks import check_number
from .update_rule import UpdateRule, per_row, squared_norms


@dataclass(frozen=True)
class GradientStep(UpdateRule):
    """Gradient ascent: step size * gradient.  Simonyan et al. 2014; `constant` in the code of Yosinski et al. 2015."""

    def step(self, gradient: Tensor, step_sizes: Tensor, state: dict[str, Tensor]) -> Tensor:
        return per_row(step_sizes, gradient) * gradient


@dataclass(frozen=True)
class FixedIncreaseStep(UpdateRule):
    """Gradient ascent at the rate that raises the objective, were it linear, by `increase` in a step.

    The rate is increase / |gradient|^2, and at most the step size: the learning policy `progress` in the code of
    Yosinski et al. 2015 (deep-visualization-toolbox, optimize/gradient_optimizer.py).
    """

    increase: float

    def __post_init__(self) -> None:
        check_number("increase", self.increase, above=0)

    def step(self, gradient: Tensor, step_sizes: Tensor, state: dict[str, Tensor]) -> Tensor:
        rates = torch.minimum(step_sizes, self.increase / squared_norms(gradient))
        return per_row(rates, gradient) * gradient
