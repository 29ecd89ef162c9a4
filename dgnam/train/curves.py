"""Curves of a training, drawn from its log: losses, held-out scores, and the speed."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..files.paths import replacing
from .checkpoint import LOG

CURVES = "curves.png"
_SPEED = ("images_per_second",)
_SECONDS_BETWEEN = 60
_NO_CURVE = ("iteration", "seconds", "rate", "waiting", "device", "threads")


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log; none where there is no log.  A last line that a kill cut short is left out."""
    path = folder / LOG
    entries = []
    for line in path.read_text().splitlines() if path.exists() else ():
        with suppress(json.JSONDecodeError):
            entries.append(json.loads(line))
    return entries


def series(entries: list[dict[str, Any]]) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """The points (iteration, value) of each curve, by panel: losses, held-out scores, speed.

    Lines that a resumed run wrote again count once, as they were written last.
    """
    panels: dict[str, dict[str, dict[int, float]]] = {"loss": {}, "held-out score": {}, "images a second": {}}
    for entry in entries:
        tested = "seconds" not in entry
        for key, value in entry.items():
            if key in _NO_CURVE:
                continue
            panel = "held-out score" if tested else "images a second" if key in _SPEED else "loss"
            panels[panel].setdefault(key, {})[entry["iteration"]] = value
    return {panel: {key: sorted(points.items()) for key, points in curves.items()} for panel, curves in panels.items()}


class Curves:
    """The curves of a training at work, drawn at its checkpoints, but at most once a minute, and at its end.

    folder: of the run.
    """

    def __init__(self, folder: Path):
        self.folder, self._drawn = folder, time.monotonic()

    def draw(self, at_end: bool) -> None:
        """Draw them if it is time."""
        if at_end or time.monotonic() - self._drawn >= _SECONDS_BETWEEN:
            draw_curves(self.folder)
            self._drawn = time.monotonic()


def draw_curves(folder: Path) -> Path | None:
    """Draw the log of the run in `folder` as `curves.png` beside it; None without matplotlib or lines in the log."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    panels = {panel: curves for panel, curves in series(read_log(folder)).items() if curves}
    if not panels:
        return None
    figure = Figure(figsize=(4.5 * len(panels), 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    for place, (panel, curves) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(1, len(panels), place)
        for key, points in curves.items():
            axes.plot(*zip(*points, strict=True), label=key)
        axes.set(xlabel="iteration", ylabel=panel)
        axes.legend()
    with replacing(folder / CURVES) as partial:
        figure.savefig(partial, format="png", dpi=100)
    return folder / CURVES
