"""The bounds of a code: each neuron's own act_range, 0 to 3 standard deviations above its mean over real images.

Other codes have other bounds, or none: `unit_box` for those drawn from a box, as many GANs' are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...errors import DgnamError, closest

CLIPS = ("act_range", "unit", "none")
"""What `clip_by_name` takes."""


@dataclass(frozen=True, eq=False)
class Bounds:
    """What a code is clipped to after each step: `lower` and `upper`, each a number or an array of the code's shape.

    A bound that is NaN, and a lower one above its upper one, are errors.
    """

    lower: np.ndarray | float
    upper: np.ndarray | float

    def __post_init__(self) -> None:
        lower, upper = np.asarray(self.lower), np.asarray(self.upper)
        if np.isnan(lower).any() or np.isnan(upper).any():
            raise DgnamError("the bounds of a code must be numbers, and there is NaN among them")
        if lower.size not in (1, upper.size) and upper.size != 1:
            raise DgnamError(
                f"the bounds are {lower.size} lower ones and {upper.size} upper ones: give as many of both"
            )
        if (lower.reshape(-1) > upper.reshape(-1)).any():
            raise DgnamError("the bounds of a code must be each lower one at most its upper one")

    def apply(self, codes: np.ndarray) -> np.ndarray:
        """`codes` (N, *code_shape), first no less than `lower`, then no more than `upper`; NaN stays."""
        return np.minimum(np.maximum(codes, self.lower), self.upper)

    def shaped(self, shape: tuple[int, ...]) -> Bounds:
        """The same bounds in the code's shape (no batch axis); an array that holds another count is an error."""
        return Bounds(_shaped(self.lower, shape), _shaped(self.upper, shape))


def act_range_bounds(upper: np.ndarray) -> Bounds:
    """From 0, the least that a ReLU leaves, to each neuron's `upper`."""
    return Bounds(np.zeros_like(upper), upper)


def unit_box(lower: float = -1.0, upper: float = 1.0) -> Bounds:
    """The same two ends for each number of the code.

    [-1, 1] is where codes of DCGAN-like generators are drawn from, uniformly (Radford et al. 2016), and what a tanh
    leaves; after a sigmoid give 0, 1.  A code that was drawn from N(0, 1), as a VAE's, has no box of its own: two or
    three standard deviations, -3, 3, keep it where the generator was trained.
    """
    if not (math.isfinite(lower) and math.isfinite(upper) and lower < upper):
        raise DgnamError(f"unit box [{lower}, {upper}]: give two finite ends, the lower first")
    return Bounds(lower, upper)


def clip_by_name(name: str, act_range: np.ndarray | None = None) -> Bounds | None:
    """The bounds that a name stands for: `act_range`, `unit` for `unit_box()`, or `none` for no clip.

    act_range: the upper bound of each neuron, as `zoo.get(generator).act_range()` gives it; None where the prior has
        none, and then the name `act_range` is an error.
    """
    if name not in CLIPS:
        raise DgnamError(f"clip '{name}': give one of {closest(name, CLIPS)}")
    if name == "none":
        return None
    if name == "unit":
        return unit_box()
    if act_range is None:
        raise DgnamError("clip 'act_range': this prior has no act_range; give unit or none, or measure one")
    return act_range_bounds(act_range)


def _shaped(bound: np.ndarray | float, shape: tuple[int, ...]) -> np.ndarray | float:
    if not isinstance(bound, np.ndarray):
        return bound
    if bound.size != math.prod(shape):
        raise DgnamError(
            f"the bounds are of {bound.size} neurons, and the code of shape {shape} has {math.prod(shape)}"
        )
    return bound.reshape(shape).astype(np.float32)
