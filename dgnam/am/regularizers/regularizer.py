"""The regularizer: keeps a code small, inside its bounds, or an image natural.

A step of the loop calls the three hooks in this order, for codes (N, *code_shape), each row on its own:

    gradient = gradient + penalty_gradient(codes)       of the objective, by the code
    gradient = mask(gradient, context)
    codes = project(codes + step, context)

`L2Decay`, `NormPenalty` and `Bounds` take NumPy arrays and tensors, the regularizers of pixels take tensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ...errors import DgnamError

Array = Any
"""A NumPy array or a torch tensor."""


@dataclass(frozen=True, eq=False)
class StepContext:
    """Where the ascent is.

    step: number of the step, from 0.
    gradient: (N, *code_shape), of the objective alone by the codes before the step, each row up to a positive factor
        (see `UpdateRule.normalizes_image_gradient`).
    """

    step: int
    gradient: Array


class Regularizer:
    """A regularizer with three hooks, each a no-op by default; override those needed."""

    @property
    def label(self) -> str:
        """Its part of an image's file name."""
        return type(self).__name__

    def penalty_gradient(self, codes: Array) -> Array | None:
        """The term to add to the objective's gradient by the codes; None for no term."""
        return None

    def mask(self, gradient: Array, context: StepContext) -> Array:
        """The gradient to follow, from the objective's and all penalties'."""
        return gradient

    def project(self, codes: Array, context: StepContext) -> Array:
        """The codes after a step, projected onto what is allowed."""
        return codes


def check_images(regularizer: Regularizer, codes: Tensor) -> None:
    """Raise DgnamError unless the codes are images (N, channels, height, width)."""
    if codes.dim() != 4:
        raise DgnamError(
            f"{regularizer} is for pixels as the code, (N, channels, height, width), and the codes have shape "
            f"{tuple(codes.shape)}"
        )
