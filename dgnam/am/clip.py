"""The bounds of a code: each neuron's own act_range, 0 to 3 standard deviations above its mean over real images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..caffe.errors import CaffeError


@dataclass(frozen=True, eq=False)
class Bounds:
    """What a code is clipped to after each step: `lower` and `upper`, each a number or an array of the code's shape."""

    lower: np.ndarray | float
    upper: np.ndarray | float

    def apply(self, codes: np.ndarray) -> np.ndarray:
        """`codes` (N, *code_shape), first no less than `lower`, then no more than `upper`; NaN stays."""
        return np.minimum(np.maximum(codes, self.lower), self.upper)

    def shaped(self, shape: tuple[int, ...]) -> Bounds:
        """The same bounds in the code's shape (no batch axis); an array that holds another count is an error."""
        return Bounds(_shaped(self.lower, shape), _shaped(self.upper, shape))


def act_range_bounds(upper: np.ndarray) -> Bounds:
    """From 0, the least that a ReLU leaves, to each neuron's `upper`."""
    return Bounds(np.zeros_like(upper), upper)


def _shaped(bound: np.ndarray | float, shape: tuple[int, ...]) -> np.ndarray | float:
    if not isinstance(bound, np.ndarray):
        return bound
    if bound.size != math.prod(shape):
        raise CaffeError(
            f"the bounds are of {bound.size} neurons, and the code of shape {shape} has {math.prod(shape)}"
        )
    return bound.reshape(shape).astype(np.float32)
