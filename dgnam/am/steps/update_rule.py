"""How a gradient becomes a step: the published loop's, plain ascent, and those of the hand-designed pixel priors.

Each takes gradients (N, *code_shape), a row at a time, and step sizes (N,), and gives what is added to the codes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...errors import DgnamError


class Ascent(ABC):
    """From a gradient to a step.

    rescales: whether the gradient by the image is first made a step of the same size, as the published loop does, and
        the rules' gradients are scaled with it.  Else the gradient by the code is the objective's own, as each paper
        writes it.
    """

    rescales: ClassVar[bool] = False

    @abstractmethod
    def move(self, gradient: Tensor, step_sizes: Tensor, memory: dict[str, Tensor]) -> Tensor:
        """What is added to the codes; `memory` is empty at a run's first step and is kept to the next."""


@dataclass(frozen=True)
class PerMean(Ascent):
    """The published step: step size / mean |gradient| * gradient, so that a number of the code moves by it on average.

    Nguyen et al. 2016 (Multifaceted feature visualization) and DeepDream take the same.
    """

    rescales = True

    def move(self, gradient: Tensor, step_sizes: Tensor, memory: dict[str, Tensor]) -> Tensor:
        return of_rows(step_sizes / mean_size(gradient), gradient) * gradient


@dataclass(frozen=True)
class Plain(Ascent):
    """Gradient ascent: step size * gradient.  Simonyan et al. 2014 and, as `constant`, Yosinski et al. 2015."""

    def move(self, gradient: Tensor, step_sizes: Tensor, memory: dict[str, Tensor]) -> Tensor:
        return of_rows(step_sizes, gradient) * gradient


@dataclass(frozen=True)
class Progress(Ascent):
    """Gradient ascent whose rate is chosen so that the objective, were it linear, would rise by `desired` in a step.

    The rate is desired / |gradient|^2, and at most the step size: the learning policy `progress` of the code of
    Yosinski et al. 2015 (deep-visualization-toolbox, optimize/gradient_optimizer.py).
    """

    desired: float

    def __post_init__(self) -> None:
        if not self.desired > 0:
            raise DgnamError(f"Progress({self.desired}): desired must be above 0")

    def move(self, gradient: Tensor, step_sizes: Tensor, memory: dict[str, Tensor]) -> Tensor:
        rates = torch.minimum(step_sizes, self.desired / square_sum(gradient))
        return of_rows(rates, gradient) * gradient


@dataclass(frozen=True)
class AdaGrad(Ascent):
    """Momentum over steps that are divided by the size of the gradients so far, number by number.

        G = momentum * G + g^2
        v = momentum * v + g / (1 / step size + sqrt(G))            and v is added

    Mahendran and Vedaldi 2016 (their code: nnpreimage, core/nnpreimage.m), with a momentum of 0.9.
    """

    momentum: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise DgnamError(f"AdaGrad({self.momentum}): momentum must be at least 0 and below 1")

    def move(self, gradient: Tensor, step_sizes: Tensor, memory: dict[str, Tensor]) -> Tensor:
        zero = torch.zeros_like(gradient)
        squares = self.momentum * memory.get("squares", zero) + gradient * gradient
        sizes = of_rows(1 / step_sizes, gradient) + squares.sqrt()
        velocity = self.momentum * memory.get("velocity", zero) + gradient / sizes
        memory["squares"], memory["velocity"] = squares, velocity
        return velocity


def square_sum(gradient: Tensor) -> Tensor:
    """(N,): 0 for a zero gradient, and for one so small that its squares vanish in float32; NaN where it has a NaN."""
    return (gradient * gradient).flatten(1).sum(1)


def mean_size(gradient: Tensor) -> Tensor:
    """(N,): the mean of |gradient|."""
    return gradient.abs().flatten(1).mean(1)


def of_rows(numbers: Tensor, like: Tensor) -> Tensor:
    """A number for each row, shaped so that it broadcasts over `like`."""
    return numbers.reshape(-1, *[1] * (like.dim() - 1))
