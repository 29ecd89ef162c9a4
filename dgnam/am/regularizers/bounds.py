"""Bounds of a code: each neuron's act_range, from 0 to 3 standard deviations above its mean over real images.

Other codes have other bounds, or none: `unit_box` for codes drawn from a box, as in many GANs; `color_bounds` for
pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from ...data.preprocessing import MEAN_BGR
from ...errors import DgnamError, closest
from ...files.paths import StrPath
from ...zoo import read_act_range
from ..argument_types import checked, checked_fields
from .regularizer import Array, Regularizer, StepContext

_ON_GPU: WeakKeyDictionary[Bounds, dict[object, tuple[Tensor, Tensor]]] = WeakKeyDictionary()
"""Copies of bounds, by device and type."""

CLIPS = ("act_range", "unit", "none")
"""Names of clips, for `clip_by_name`."""


@checked_fields
@dataclass(frozen=True, eq=False)
class Bounds(Regularizer):
    """Clipping of the code after each step to [`lower`, `upper`], each a number or an array of the code's shape.

    Raises DgnamError for NaN, for a lower bound above its upper one, and for arrays of different sizes.
    """

    lower: np.ndarray | float
    upper: np.ndarray | float

    def __post_init__(self) -> None:
        lower, upper = np.asarray(self.lower), np.asarray(self.upper)
        if np.isnan(lower).any() or np.isnan(upper).any():
            raise DgnamError("the bounds of a code must be numbers, and there is NaN among them")
        if lower.size not in (1, upper.size) and upper.size != 1:
            raise DgnamError(f"the bounds have {lower.size} lower and {upper.size} upper values: give as many of both")
        if (lower.reshape(-1) > upper.reshape(-1)).any():
            raise DgnamError("the bounds of a code must be each lower one at most its upper one")

    @property
    def label(self) -> str:
        return "clip"

    def clip(self, codes: Array) -> Array:
        """`codes` (N, *code_shape), first raised to `lower`, then lowered to `upper`; NaN stays."""
        if isinstance(codes, Tensor):
            lower, upper = self._like(codes)
            return torch.minimum(torch.maximum(codes, lower), upper)
        return np.minimum(np.maximum(codes, self.lower), self.upper)

    def _like(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Both bounds where the codes are; on a GPU they stay there."""
        ends = tuple(torch.as_tensor(bound) for bound in (self.lower, self.upper))
        if codes.device.type == "cpu":
            return ends[0].to(codes), ends[1].to(codes)
        known = _ON_GPU.setdefault(self, {})
        kind = codes.device, codes.dtype
        if kind not in known:
            known[kind] = ends[0].to(codes), ends[1].to(codes)
        return known[kind]

    def project(self, codes: Array, context: StepContext) -> Array:
        return self.clip(codes)

    def shaped(self, shape: tuple[int, ...]) -> Bounds:
        """The bounds in the code's shape, without the batch axis; raises DgnamError for arrays of another size."""
        return Bounds(_shaped(self.lower, shape), _shaped(self.upper, shape))


@checked
def act_range_bounds(upper: np.ndarray | StrPath) -> Bounds:
    """From 0, the least output of a ReLU, to `upper`, one value for each neuron: its act_range.

    upper: the values, or the path of an act_range file, .txt or .h5, as `dgnam act-range` writes it.
    """
    values = read_act_range(upper) if isinstance(upper, str | PathLike) else np.asarray(upper)
    return Bounds(np.zeros_like(values), values)


def unit_box(lower: float = -1.0, upper: float = 1.0) -> Bounds:
    """The same bounds for each number of the code.

    [-1, 1] suits codes drawn uniformly, as DCGAN's (Radford et al. 2016), and tanh outputs; sigmoid outputs take
    [0, 1].  Codes drawn from N(0, 1), as a VAE's, have no natural box: two or three standard deviations, such as
    [-3, 3], keep them where the generator was trained.
    """
    if not (math.isfinite(lower) and math.isfinite(upper) and lower < upper):
        raise DgnamError(f"unit box [{lower}, {upper}]: give two finite ends, the lower first")
    return Bounds(lower, upper)


def color_bounds(size: tuple[int, int], mean: Sequence[float] = MEAN_BGR) -> Bounds:
    """From black to white for pixels as the code, (3, *size): [-mean, 255 - mean] of each channel, BGR."""
    lower = np.broadcast_to(-np.asarray(mean, np.float32).reshape(3, 1, 1), (3, *size)).copy()
    return Bounds(lower, lower + np.float32(255))


def clip_by_name(name: str, act_range: np.ndarray | None = None) -> Bounds | None:
    """The bounds of a name: `act_range`, `unit` for `unit_box()`, or `none` for no clip.

    act_range: upper bound of each neuron, as from `zoo.get(generator).act_range()`; None if the prior has none, which
        makes the name `act_range` an error.
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
