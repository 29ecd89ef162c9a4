"""Figure 1: images synthesized from scratch to highly activate output units, and two controls.

The paper shows pictures only, so its claim is qualitative; the numbers are ours: how often the target itself, and a
judge that never saw a synthesized image, rank an image's class first.  The controls show what the parts of the method
add: random codes through the generator (no search), and as many steps in pixels (no generator).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dgnam import runs, zoo
from dgnam.am import (
    Bounds,
    CaffeTarget,
    GeneratorPrior,
    Job,
    PixelPrior,
    Prior,
    Result,
    Settings,
    Unit,
    act_range_bounds,
    gather,
    images,
    random_code,
    released,
    synthesize,
    without_prior,
)
from dgnam.am.render import render
from dgnam.caffe.errors import CaffeError, closest
from dgnam.figures import labelled_grid
from dgnam.measure import Judge

from .outcome import Outcome


@dataclass(frozen=True)
class Cast:
    """Who plays: names in the registry; the units of the figure, None for all; and the pictures' layout."""

    target: str
    generator: str
    judge: str | None
    units: tuple[int, ...] | None
    settings: Settings
    columns: int
    scale: int
    note: str


CASTS = {
    "mini": Cast(
        "caffenet-mini", "deepsim-fc6-mini", "judge-mini", None, released(), 20, 2, "Small models of our own, at 64 px."
    ),
    "paper": Cast(
        "caffenet", "deepsim-fc6", None, (643, 624, 304, 629, 437), released(), 5, 1, "The published models."
    ),
}


@dataclass(frozen=True, eq=False)
class Panel:
    """One way to make the images: its pictures, and what optimized them where anything did."""

    name: str
    title: str
    images: np.ndarray
    settings: Settings
    result: Result | None = None


def run(
    *, models: str, units: Sequence[int] | None, seed: int, output: Path, published: bool, progress: bool
) -> Outcome:
    """See `Experiment`."""
    if models not in CASTS:
        raise CaffeError(f"models '{models}': give one of {closest(models, CASTS)}")
    cast = CASTS[models]
    try:
        stage = _Stage(cast)
    except zoo.MissingWeightsError as missing:
        return Outcome(blocked=str(missing))
    chosen = stage.units(units)
    panels = stage.panels(chosen, seed, progress)
    numbers = {"units": len(chosen), **{panel.name: stage.numbers(panel, chosen) for panel in panels}}
    folder = runs.RunFolder.create(output, f"fig1-{models}")
    figure = stage.write(folder, panels, chosen, seed, published)
    folder.write_json("numbers.json", numbers)
    folder.write_json("run.json", stage.record(chosen, seed, models))
    return Outcome(folder.path, figure, numbers, _lines(numbers))


class _Stage:
    """The loaded networks of a cast."""

    def __init__(self, cast: Cast):
        self.cast = cast
        names = [name for name in (cast.target, cast.generator, cast.judge) if name is not None]
        self.entries = {name: zoo.get(name) for name in names}
        for entry in self.entries.values():
            entry.weights_path()
        self.target_entry, self.generator_entry = self.entries[cast.target], self.entries[cast.generator]
        self.layer = str(self.target_entry.scores)
        target = zoo.load(cast.target)
        self.target, self.own_judge = CaffeTarget(target), Judge(target, self.layer)
        self.prior = GeneratorPrior(zoo.load(cast.generator))
        self.judge = None if cast.judge is None else Judge(zoo.load(cast.judge), str(zoo.get(cast.judge).scores))
        self.labels = self.target_entry.labels()
        bounds = self.generator_entry.act_range()
        if bounds is None:
            raise CaffeError(f"model '{cast.generator}' has no act_range to clip its codes to")
        self.act_range: np.ndarray = bounds

    def units(self, wanted: Sequence[int] | None) -> list[int]:
        count = len(self.labels)
        if wanted is None:
            return list(range(count)) if self.cast.units is None else list(self.cast.units)
        outside = [unit for unit in wanted if not 0 <= unit < count]
        if outside or not wanted:
            raise CaffeError(f"units {outside}: {self.layer} of '{self.cast.target}' has units 0 to {count - 1}")
        return list(wanted)

    def panels(self, units: Sequence[int], seed: int, progress: bool) -> list[Panel]:
        settings, pixels = self.cast.settings, PixelPrior(self.target.size)
        bare = without_prior(settings.n_iters, settings.schedule.start, settings.schedule.end)
        searched = self._search(self.prior, units, seed, settings, act_range_bounds(self.act_range), progress)
        free = self._search(pixels, units, seed, bare, pixels.bounds, progress)
        drawn = render(self.prior, self._random_codes(len(units), seed), self.target.size)
        name, images_ = self.cast.target, f"seed {seed}"
        return [
            Panel(
                "dgn_am", f"Preferred images of {name}'s output units ({images_})", searched.images, settings, searched
            ),
            Panel("random_codes", f"Control: random codes through the generator ({images_})", drawn, settings),
            Panel(
                "pixels", f"Control: {settings.n_iters} steps in pixels, no prior ({images_})", free.images, bare, free
            ),
        ]

    def _search(
        self, prior: Prior, units: Sequence[int], seed: int, settings: Settings, clip: Bounds, progress: bool
    ) -> Result:
        jobs = [Job(Unit(self.layer, unit), seed, settings) for unit in units]
        return gather(synthesize(self.target, prior, jobs, clip=clip, progress=progress))

    def _random_codes(self, count: int, seed: int) -> np.ndarray:
        """As spread as real codes are: normal, with a third of each neuron's range as deviation, and clipped to it."""
        codes = random_code(seed, (count, *self.prior.code_shape)) * self.act_range / 3
        return act_range_bounds(self.act_range).apply(codes)

    def numbers(self, panel: Panel, units: Sequence[int]) -> dict[str, float]:
        found = {"target_top1": self.own_judge.rank(panel.images, units).top(1)}
        if self.judge is not None:
            verdict = self.judge.rank(panel.images, units)
            found |= {"judge_top1": verdict.top(1), "judge_top5": verdict.top(5)}
        return found

    def write(
        self, folder: runs.RunFolder, panels: Sequence[Panel], units: Sequence[int], seed: int, published: bool
    ) -> Path:
        """The pictures, a grid to each panel, codes and activations; returns the main grid's path."""
        names = [self.labels[unit].name for unit in units]
        for panel in panels:
            pictures = [images.picture(image) for image in panel.images]
            grid = labelled_grid(
                pictures,
                names,
                columns=self.cast.columns,
                title=panel.title,
                note=self.cast.note,
                scale=self.cast.scale,
            )
            folder.write_png(f"{panel.name}.png", grid)
            (folder.path / panel.name).mkdir()
            for unit, image in zip(units, panel.images, strict=True):
                images.save(folder.path / panel.name, image, Unit(self.layer, unit), panel.settings, seed, published)
            if panel.result is not None:
                folder.write_arrays(
                    f"{panel.name}.h5", _arrays(panel.result, units), {"layer": self.layer, "seed": seed}
                )
        return folder.path / f"{panels[0].name}.png"

    def record(self, units: Sequence[int], seed: int, models: str) -> dict[str, Any]:
        files = {name: entry.weights_path() for name, entry in self.entries.items()}
        return {
            "experiment": "fig1",
            "models": models,
            "layer": self.layer,
            "units": list(units),
            "seed": seed,
            "settings": self.cast.settings.as_dict(),
            "weights": {name: {"file": path.name, "sha256": runs.sha256(path)} for name, path in files.items()},
            "versions": runs.versions(),
        }


def _arrays(result: Result, units: Sequence[int]) -> dict[str, np.ndarray]:
    return {
        "units": np.asarray(units),
        "codes": result.codes,
        "activations": result.activations,
        "images": result.images,
    }


def _lines(numbers: Mapping[str, Any]) -> list[str]:
    """A table: a row to each panel."""
    rows = [(name, values) for name, values in numbers.items() if isinstance(values, dict)]
    columns = list(rows[0][1])
    head = f"{numbers['units']} units".ljust(14) + "".join(column.rjust(13) for column in columns)
    return [head, *(name.ljust(14) + "".join(f"{values[c]:13.1%}" for c in columns) for name, values in rows)]
