"""Does a network heed the order of a clip's frames (M13)?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..am.checks import whole_number
from ..errors import ArrayError
from .arrays import Floats, finite, random_generator, same_length

_RESOLUTION = 1e-5
"""Differences of float32 activations below this share of their size are rounding errors."""


def frame_orders(frames: int, count: int = 100, *, seed: int = 0) -> np.ndarray:
    """Random orders (count, frames) int of a clip's frames, different ones and never the clip's own."""
    frames, count = whole_number("frames", frames, 2), whole_number("count", count, 1)
    if frames < 10 and math.factorial(frames) - 1 < count:
        raise ArrayError(f"{frames} frames have {math.factorial(frames) - 1} other orders, and {count} were asked for")
    draw, found = random_generator(seed), dict[tuple[int, ...], None]()
    own = tuple(range(frames))
    while len(found) < count:
        order = tuple(int(i) for i in draw.permutation(frames))
        if order != own:
            found[order] = None
    return np.array(list(found), np.intp)


def reversed_order(frames: int) -> np.ndarray:
    """The frames from the last to the first, (frames,) int."""
    return np.arange(whole_number("frames", frames, 1))[::-1].copy()


def frozen_order(frames: int) -> np.ndarray:
    """The middle frame throughout, (frames,) int."""
    return np.full(whole_number("frames", frames, 1), frames // 2)


def order_gain(in_order: Any, permuted: Any) -> Floats:
    """(activation in order - mean over permutations) / their deviation, (N,): 0 for a network that sees no order.

    in_order: (N,) a unit's activation by each clip, or by its reversed or frozen one.
    permuted: (N, P) by the same clip's frames in P other orders, such as 100.

    Deviations below what float32 resolves count as 1e-5 of the activations' size, so that rounding errors are no gain.
    """
    whole, others = finite(in_order, "in_order", 1), finite(permuted, "permuted", 2)
    same_length(in_order=whole, permuted=others)
    if others.shape[1] < 2:
        raise ArrayError(f"permuted {others.shape}: two orders or more are needed")
    size = np.maximum(np.abs(others).max(1), np.abs(whole))
    deviation = np.maximum(others.std(1, ddof=1), _RESOLUTION * size)
    return np.divide(whole - others.mean(1), deviation, out=np.zeros(len(whole)), where=deviation > 0)
