"""Numbers with their intervals, by layer, snapshot or setting; and pairs of numbers as points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import DgnamError
from .canvas import SIZE, Canvas, shown_name

_APART = 0.12
"""Of the distance of two categories, between the points of two series."""

Pair = tuple[np.ndarray, np.ndarray]


def draw_estimates(
    series: Mapping[str, np.ndarray | Sequence[Sequence[float]]],
    categories: Sequence[str],
    *,
    across: str,
    upwards: str,
    title: str = "",
    size: tuple[float, float] = SIZE,
) -> np.ndarray:
    """A point with its interval for each category and series, (H, W, 3) uint8 RGB.

    series: by their names, (K, 3): of each category the number and the ends of its interval; NaN where there is none.
    categories: the K names to the right, such as layers.
    across, upwards: what the categories are and what the number is; title: above the figure.
    size: width and height in inches.
    """
    tables = {name: np.asarray(rows, np.float64) for name, rows in series.items()}
    for name, table in tables.items():
        if table.shape != (len(categories), 3):
            raise DgnamError(
                f"estimates '{name}' have shape {table.shape}: give a number and the ends of its interval for each of "
                f"{len(categories)} categories"
            )
    if not any(np.isfinite(table).any() for table in tables.values()):
        raise DgnamError("there is nothing to draw: the estimates hold no number")
    canvas, places = Canvas("a figure of estimates", size), np.arange(len(categories))
    for number, (name, table) in enumerate(tables.items()):
        value, low, high = table.T
        at = places + _APART * (number - (len(tables) - 1) / 2)
        color, label = f"C{number}", shown_name(name)
        canvas.axes.plot(at, value, color=color, linewidth=1, alpha=0.5)
        canvas.axes.errorbar(at, value, [value - low, high - value], fmt="o", color=color, markersize=4, label=label)
    canvas.axes.set_xticks(places, [shown_name(one) for one in categories], parse_math=False)
    canvas.label(across, upwards, title)
    return canvas.picture()


def draw_pairs(
    series: Mapping[str, Pair],
    *,
    across: str,
    upwards: str,
    title: str = "",
    size: tuple[float, float] = SIZE,
) -> np.ndarray:
    """A point for each pair of numbers, in a color for each series, (H, W, 3) uint8 RGB.

    series: by their names, (n,) to the right and (n,) upwards; pairs with a NaN are left out.
    across, upwards: what the numbers are; title: above the figure; size: width and height in inches.
    """
    kept = {}
    for name, (x, y) in series.items():
        given = np.asarray(x, np.float64), np.asarray(y, np.float64)
        if given[0].ndim != 1 or given[0].shape != given[1].shape:
            raise DgnamError(f"pairs '{name}' have shapes {given[0].shape} and {given[1].shape}: give as many of both")
        finite = np.isfinite(given[0]) & np.isfinite(given[1])
        kept[name] = given[0][finite], given[1][finite]
    if not any(len(x) for x, _ in kept.values()):
        raise DgnamError("there is nothing to draw: the pairs hold no two numbers")
    canvas = Canvas("a figure of pairs", size)
    for number, (name, (x, y)) in enumerate(kept.items()):
        color, label = f"C{number % 10}", shown_name(name) if len(kept) <= 10 else None
        canvas.axes.plot(x, y, ".", color=color, markersize=4, alpha=0.7, label=label)
    canvas.label(across, upwards, title)
    return canvas.picture()
