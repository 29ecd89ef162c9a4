"""Axes to draw numbers on, and the picture of them."""

from __future__ import annotations

import math
from textwrap import fill
from typing import Any

import numpy as np

from ..errors import DgnamError, optional_module, shortened
from ..files.paths import utf8

SIZE = (6.4, 4.0)
"""Width and height of a figure in inches."""

_LETTERS = 10
"""Of a title to an inch, or fewer."""

_WIDEST_NAME = 40


def shown_name(text: str) -> str:
    """A name as a figure shows it: cut short, and behind a blank where a legend would leave it out for its _."""
    short = utf8(shortened(text, _WIDEST_NAME)).decode()
    return f" {short}" if short.startswith("_") else short


class Canvas:
    """A figure of one pair of axes, by matplotlib; the same drawing gives the same bytes.

    what: the figure's kind for the error where matplotlib is missing, as "a figure of traces".
    size, dpi: width and height in inches, and pixels to each.
    """

    def __init__(self, what: str, size: tuple[float, float] = SIZE, dpi: int = 150):
        if not all(math.isfinite(side) and 1 <= side * dpi <= 20_000 for side in size):
            raise DgnamError(f"a figure of {size} inches at {dpi} pixels each: give 1 to 20000 pixels a side")
        figures = optional_module("matplotlib.figure", what, "matplotlib")
        agg = optional_module("matplotlib.backends.backend_agg", what, "matplotlib")
        self._canvas = agg.FigureCanvasAgg(figures.Figure(figsize=size, dpi=dpi, layout="constrained"))
        self.axes: Any = self._canvas.figure.add_subplot()

    def label(self, across: str, upwards: str, title: str) -> None:
        """Name the axes, the figure, and beside the axes what was drawn with labels, if that is more than one thing.

        A name may hold a dollar.
        """
        figure = self._canvas.figure
        texts = [self.axes.set_xlabel(across), self.axes.set_ylabel(upwards)]
        if title:
            texts.append(figure.suptitle(fill(title, int(_LETTERS * figure.get_figwidth()))))
        if len(self.axes.get_legend_handles_labels()[1]) > 1:
            legend = figure.legend(loc="outside right center", fontsize="small", frameon=False)
            texts += legend.get_texts()
        for text in texts:
            text.set_parse_math(False)
            text.set_text(utf8(text.get_text()).decode())
        self.axes.grid(alpha=0.25, linewidth=0.6)
        self.axes.spines[["top", "right"]].set_visible(False)

    def picture(self) -> np.ndarray:
        """(H, W, 3) uint8 RGB."""
        self._canvas.draw()
        return np.array(self._canvas.buffer_rgba())[..., :3].copy()
