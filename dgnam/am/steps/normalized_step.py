"""The published step: normalized by the gradient's mean magnitude."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .update_rule import UpdateRule, mean_magnitudes, per_row


@dataclass(frozen=True)
class NormalizedStep(UpdateRule):
    """step size / mean |gradient| * gradient: each number of the code moves by the step size on average.

    Nguyen et al. 2016 (Multifaceted feature visualization) and DeepDream use the same step.
    """

    normalizes_image_gradient = True

    def step(self, gradient: Tensor, step_sizes: Tensor, state: dict[str, Tensor]) -> Tensor:
        return per_row(step_sizes / mean_magnitudes(gradient), gradient) * gradient
