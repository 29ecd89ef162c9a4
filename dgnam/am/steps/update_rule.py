"""The update rule: from a gradient to a step.

Takes gradients (N, *code_shape), each row on its own, and step sizes (N,); gives what to add to the codes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor


class UpdateRule(ABC):
    """From a gradient to a step.

    normalizes_image_gradient: whether the gradient by the image is first made a step of the same size, as in the
        published loop, and penalties are scaled with it.  Otherwise the gradient by the code is the objective's own,
        as in the papers on pixels.
    """

    normalizes_image_gradient: ClassVar[bool] = False

    @abstractmethod
    def step(self, gradient: Tensor, step_sizes: Tensor, state: dict[str, Tensor]) -> Tensor:
        """What to add to the codes; `state`, empty at the first step, is kept from step to step."""


def squared_norms(gradient: Tensor) -> Tensor:
    """(N,): 0 also for a gradient whose squares underflow float32; NaN if it contains NaN."""
    return (gradient * gradient).flatten(1).sum(1)


def mean_magnitudes(gradient: Tensor) -> Tensor:
    """(N,): the mean of |gradient|."""
    return gradient.abs().flatten(1).mean(1)


def per_row(values: Tensor, like: Tensor) -> Tensor:
    """Values (N,) in a shape that broadcasts over the rows of `like`."""
    return values.reshape(-1, *[1] * (like.dim() - 1))
