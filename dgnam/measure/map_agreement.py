"""Do two maps of a picture mark the same places (M7)?

A threshold decides an IoU, so both maps are cut at equal area, and at several areas.  The nulls say what comes out for
maps that have nothing to do with each other: shifted in a circle, or of other units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..am.checks import whole_number
from ..errors import ArrayError
from .arrays import Floats, finite, number, random_generator, same_shape

SHARES = (0.05, 0.10, 0.20)
"""Areas, as shares of the map, of the places with the highest values."""

Agreement = Callable[[Floats, Floats], Floats]
"""From maps (N, H, W) and (N, H, W) to numbers (N,)."""


def iou_at_equal_area(first: Any, second: Any, share: float, *, seed: int = 0) -> Floats:
    """Intersection over union (N,) of the places with the highest values in each of two maps, (N, H, W) each.

    share: of the map's area; unrelated maps come to about share / (2 - share).
    seed: of the choice among equal values, drawn for each map alone, so that ties don't agree by their order.
    """
    a, b = _maps(first, second)
    if not 0 < number(share, "share") < 1:
        raise ArrayError(f"share {share}: give one between 0 and 1")
    draw = random_generator(seed)
    top_a, top_b = _top(a, share, draw), _top(b, share, draw)
    return np.asarray((top_a & top_b).sum(1) / (top_a | top_b).sum(1), np.float64)


def iou_sweep(first: Any, second: Any, shares: Sequence[float] = SHARES, *, seed: int = 0) -> Floats:
    """`iou_at_equal_area` for each share: (len(shares), N)."""
    return np.stack([iou_at_equal_area(first, second, share, seed=seed) for share in shares])


def map_spearman(first: Any, second: Any) -> Floats:
    """The rank correlation (N,) of two maps over their places, (N, H, W) each; a constant map is an error."""
    from scipy.stats import rankdata

    a, b = _maps(first, second)
    ranks = []
    for name, maps in (("first", a), ("second", b)):
        flat = maps.reshape(len(maps), -1)
        if not np.ptp(flat, axis=1).all():
            raise ArrayError(f"{name}: map {int(np.argmin(np.ptp(flat, axis=1)))} is constant and has no correlation")
        rows = rankdata(flat, axis=1)
        ranks.append(rows - rows.mean(1, keepdims=True))
    x, y = ranks
    return np.asarray((x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1)), np.float64)


def shifted_null(agreement: Agreement, first: Any, second: Any, *, count: int = 100, seed: int = 0) -> Floats:
    """The agreement (count, N) with the second maps shifted in a circle, each time by another random offset.

    It keeps what a map looks like, and takes away where it lies.
    """
    a, b = _maps(first, second)
    height, width = a.shape[1:]
    if height * width < 2:
        raise ArrayError(f"maps of {height}x{width} can't be shifted")
    offsets = 1 + random_generator(seed).integers(height * width - 1, size=whole_number("count", count, 1))
    shifts = [divmod(int(offset), width) for offset in offsets]
    return np.stack([agreement(a, np.roll(b, shift, (1, 2))) for shift in shifts])


def other_units_null(agreement: Agreement, first: Any, second: Any) -> Floats:
    """The agreement (N - 1, N) of each first map with the second maps of all others.

    It keeps what all maps share, such as a bias to the center.
    """
    a, b = _maps(first, second)
    if len(a) < 2:
        raise ArrayError("maps: two or more are needed to compare each with another's")
    return np.stack([agreement(a, np.roll(b, step, 0)) for step in range(1, len(a))])


def _maps(first: Any, second: Any) -> tuple[Floats, Floats]:
    a, b = finite(first, "first", 3), finite(second, "second", 3)
    same_shape(first=a, second=b)
    return a, b


def _top(maps: Floats, share: float, draw: np.random.Generator) -> np.ndarray:
    """(N, H·W) bool: the places with the highest values, as many in each map."""
    flat = maps.reshape(len(maps), -1)
    count = max(1, round(share * flat.shape[1]))
    order = np.lexsort((draw.random(flat.shape), -flat), axis=1)[:, :count]
    chosen = np.zeros(flat.shape, bool)
    np.put_along_axis(chosen, order, True, 1)
    return chosen
