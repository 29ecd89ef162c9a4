"""Activation per step, as curves: a line for each job, or the spread of many."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np

from ..am.images import save_png
from ..errors import DgnamError, optional_module
from .canvas import SIZE, Canvas, shown_name

MOST_LINES = 10
"""So many jobs are lines with names, as many as there are colours; more are a band."""

Traces = np.ndarray | Sequence[Sequence[float]] | Sequence[np.ndarray]
"""(N, steps), or rows that may differ in length."""


def draw_traces(
    activations: Traces,
    names: Sequence[str],
    *,
    of: str | None = None,
    value: str = "activation",
    axis: str = "step",
    title: str = "",
    size: tuple[float, float] = SIZE,
    dpi: int = 150,
    most_lines: int = MOST_LINES,
    groups: Sequence[str] = (),
) -> np.ndarray:
    """The figure, (H, W, 3) uint8 RGB.  The same call gives the same bytes.

    activations: (N, steps), as `dgnam.am.Result` has them: NaN after a job's last step; rows may differ in length.
    names: of the jobs, such as their objectives; in the legend where there are at most `most_lines` and they differ.
    of: what was measured, for the axis: "activation of fc8:643"; the names' own where they are all the same.
    value: what is counted upwards; axis: what to the right.
    title: above the figure.
    size, dpi: width and height in inches, and pixels to each.
    most_lines: with more jobs than that, the median at each step, the quartiles and the range are drawn.
    groups: a name for each job, such as its settings; each group has a color and a line in the legend, and with more
        jobs its own median and quartiles.
    """
    rows = _rows(activations, names)
    canvas = Canvas("a figure of traces", size, dpi)
    axes, few, shown = canvas.axes, len(rows) <= most_lines, ""
    if len(set(groups)) > 1:
        _groups(axes, rows, groups, few)
        shown = "" if few else ": medians, quartiles"
    elif few:
        _lines(axes, rows, names)
    else:
        _band(axes, rows)
    what = of if of is not None else names[0] if len(set(names)) == 1 else None
    counted = value if what is None else f"{value} of {shown_name(what)}"
    canvas.label(axis, counted + shown, title)
    axes.xaxis.get_major_locator().set_params(integer=True)
    return canvas.picture()


def save_traces(path: str | PathLike[str], activations: Traces, names: Sequence[str], **options: Any) -> None:
    """Write the figure as PNG; arguments as `draw_traces` has them."""
    save_png(str(path), draw_traces(activations, names, **options))


def _rows(activations: Traces, names: Sequence[str]) -> list[np.ndarray]:
    """Each job's activations up to its last step."""
    rows = [np.asarray(row, np.float64) for row in activations]
    if not rows or len(rows) != len(names):
        raise DgnamError(f"{len(rows)} traces and {len(names)} names: give one to each of one or more")
    for name, row in zip(names, rows, strict=True):
        if row.ndim != 1:
            raise DgnamError(f"the trace of {name} has shape {row.shape}; a trace has a number for each step")
        if np.isinf(row).any():
            raise DgnamError(f"the trace of {name} is infinite at step {int(np.isinf(row).argmax())}")
    cut = [row[: np.flatnonzero(~np.isnan(row))[-1] + 1] if not np.isnan(row).all() else row[:0] for row in rows]
    if not any(len(row) for row in cut):
        raise DgnamError("there is nothing to draw: the traces hold no number")
    return cut


def _lines(axes: Any, rows: Sequence[np.ndarray], names: Sequence[str]) -> None:
    for row, name in zip(rows, names, strict=True):
        label = shown_name(name) if len(set(names)) > 1 else None
        axes.plot(np.arange(len(row)), row, label=label, linewidth=1.4, marker=_marker(row))


def _groups(axes: Any, rows: Sequence[np.ndarray], groups: Sequence[str], few: bool) -> None:
    """Each group in its color: the lines of few jobs, the median and the quartiles of more."""
    names = list(dict.fromkeys(groups))
    colormap = optional_module("matplotlib", "a figure of traces", "matplotlib").colormaps["viridis"]
    for number, name in enumerate(names):
        color = f"C{number}" if len(names) <= MOST_LINES else colormap(number / (len(names) - 1))
        own = [row for row, group in zip(rows, groups, strict=True) if group == name and len(row)]
        label = shown_name(name) if len(names) <= 2 * MOST_LINES else None
        if few:
            for row in own:
                axes.plot(np.arange(len(row)), row, label=label, color=color, linewidth=1.2, marker=_marker(row))
                label = None
        elif own:
            steps, (_, first, median, third, _) = _quartiles(own)
            axes.fill_between(steps, first, third, color=color, alpha=0.15, linewidth=0)
            axes.plot(steps, median, color=color, linewidth=1.6, label=label, marker=_marker(median))


def _quartiles(rows: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The steps, and the least, the quartiles and the greatest at each, of the jobs that still move."""
    table = np.full((len(rows), max(map(len, rows))), np.nan)
    for line, row in zip(table, rows, strict=True):
        line[: len(row)] = row
    steps = np.flatnonzero(~np.isnan(table).all(0))
    return steps, np.nanpercentile(table[:, steps], [0, 25, 50, 75, 100], axis=0)


def _marker(row: np.ndarray) -> str | None:
    """A dot where a line would show nothing."""
    return "." if len(row) == 1 else None


def _band(axes: Any, rows: Sequence[np.ndarray]) -> None:
    """Of the jobs that still move at each step: the median, the quartiles and the range."""
    steps, (low, first, median, third, high) = _quartiles(rows)
    axes.fill_between(steps, low, high, color="C0", alpha=0.12, linewidth=0, label=f"range of {len(rows)} jobs")
    axes.fill_between(steps, first, third, color="C0", alpha=0.3, linewidth=0, label="quartiles")
    axes.plot(steps, median, color="C0", linewidth=1.6, label="median", marker=_marker(median))
