"""What an experiment's function works with: it makes pictures, has them judged, shows them, and decides claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from dgnam.am.images import picture
from dgnam.figures import draw_estimates, draw_pairs, labeled_grid
from dgnam.files.encode import png
from dgnam.measure import Verdict
from dgnam.measure.statistics import mean

from .claims import claims
from .finding import NO_CONTROLS, Controls, Finding, Part, find
from .judging import Judging
from .making import evenly
from .pictures import Pictures

Series = Mapping[str, Mapping[str, np.ndarray]]

ROW_NAMES = {"dgn_am": "DGN-AM"}
"""Of steps in an overview or a plot; the others are named by their steps."""

MOST_COLUMNS = 10
"""Units in an overview."""


@dataclass(eq=False)
class Context(Judging):
    """An experiment that is carried out.

    figures: shown so far; the first one is the main one.
    findings: what was decided so far, by the claim's name.
    """

    figures: list[Path] = field(default_factory=list)
    findings: dict[str, Finding] = field(default_factory=dict)

    def compare(
        self,
        steps: Mapping[str, Pictures],
        titles: Mapping[str, str],
        own: Mapping[str, str] = MappingProxyType({}),
        of: str | None = None,
    ) -> dict[str, dict[str, Verdict]]:
        """Show some units by all steps, and all by each, from the first seed; and ask the judges for each picture.

        own: of a step whose target is one of the judges, this one, which isn't asked.
        of: what the units are of, for the overview's title; None for the target.
        Returns what they say, by step and judge.
        """
        self.overview(steps, self.target.name if of is None else of)
        for step, pictures in steps.items():
            self.show(step, pictures.first, [self.labels[unit] for unit in pictures.units], titles[step])
        return {step: self.judge(step, pictures, own.get(step)) for step, pictures in steps.items()}

    def decide(
        self,
        claim: str,
        parts: Mapping[str, Part],
        controls: Controls = NO_CONTROLS,
        *,
        note: str = "",
    ) -> None:
        """Set the parts of a claim against its bounds; at smoke scale without a verdict.

        note: what a reader must know beside it.
        """
        verdict = self.arguments["scale"] != "smoke"
        self.findings[claim] = find(claims()[claim], parts, controls=controls, note=note, verdict=verdict)

    def show(
        self,
        name: str,
        images: Sequence[np.ndarray] | np.ndarray,
        captions: Sequence[str],
        title: str,
        columns: int | None = None,
    ) -> None:
        """Write `name`.png: images, (3, h, w) float32 each, as the target sees them, with a caption each."""
        self.show_pictures(name, [picture(image) for image in images], captions, title, columns)

    def show_pictures(
        self, name: str, shown: Sequence[np.ndarray], captions: Sequence[str], title: str, columns: int | None = None
    ) -> None:
        """Write `name`.png: pictures (h, w, 3) uint8 RGB with a caption each.

        columns: None for equally long rows, of as many as the networks' figures have at most.
        """
        rows = max(1, -(-len(shown) // self.models.columns))
        self._grid(name, shown, captions, title, columns=-(-len(shown) // rows) if columns is None else columns)

    def _grid(self, name: str, shown: Sequence[np.ndarray], captions: Sequence[str], title: str, **layout: Any) -> None:
        how = {"title": title, "note": self.models.note, "scale": self.models.enlarge, **layout}
        self._figure(name, labeled_grid(list(shown), list(captions), **how))

    def _figure(self, name: str, drawn: np.ndarray) -> None:
        self.figures.append(self.run.write_bytes(f"{name}.png", png(drawn)))

    def plot_means(self, name: str, series: Series, **words: Any) -> None:
        """Write `name`.png: of each series the mean over units, with its interval, in each category.

        series: by its name, values (U,) or (U, S) by category, such as a layer; all have the same categories.
        words: of `draw_estimates`.
        """
        self._plot(name, series, words, mean_and_ends)

    def plot_quartiles(self, name: str, series: Series, **words: Any) -> None:
        """Write `name`.png: of each series the median and the quartiles in each category, as in `plot_means`."""
        self._plot(name, series, words, lambda values: np.percentile(values, (50, 25, 75)))

    def _plot(self, name: str, series: Series, words: Mapping[str, Any], summary: Callable[..., Any]) -> None:
        """Nothing where there is no judge, or no layer, to plot."""
        categories = next(map(list, series.values()), [])
        if categories:
            named = {ROW_NAMES.get(one, one): by_category for one, by_category in series.items()}
            table = {one: [summary(values) for values in by_category.values()] for one, by_category in named.items()}
            self._figure(name, draw_estimates(table, categories, **words))

    def plot_pairs(self, name: str, series: Mapping[str, tuple[np.ndarray, np.ndarray]], **words: Any) -> None:
        """Write `name`.png: pairs of numbers as points, as `draw_pairs` takes them; nothing where there are none."""
        if series:
            self._figure(name, draw_pairs(series, **words))

    def overview(self, steps: Mapping[str, Pictures], of: str) -> None:
        """Write overview.png: a row for each step, of some units that all steps have, from the first seed."""
        common = [unit for unit in self.units if all(unit in pictures.units for pictures in steps.values())]
        units = evenly(common, MOST_COLUMNS)
        # Networks see images of different sizes, which the figure brings to that of the first.
        tiles = [image for pictures in steps.values() for image in pictures.of_units(units).first]
        where = f" ({self.experiment.figure})" if self.experiment.figure else ""
        self._grid(
            "overview",
            [picture(image) for image in tiles],
            [""] * len(tiles),
            f"Preferred images, {of}{where}",
            columns=len(units),
            across=[self.labels[unit] for unit in units],
            down=[ROW_NAMES.get(step, step.replace("_", " ")) for step in steps],
        )


def mean_and_ends(values: np.ndarray) -> tuple[float, float, float]:
    """The mean over units and the ends of its interval; NaN for those of a single unit, which has none."""
    if len(values) < 2:
        return float(np.mean(values)), np.nan, np.nan
    found = mean(values)
    return found.value, found.low, found.high
