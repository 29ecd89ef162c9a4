"""Figure 1: images synthesized from scratch to highly activate output units, and two controls.

The paper shows pictures only, so its claim is qualitative; the numbers are ours: how often the target itself, and a
judge that never saw a synthesized image, rank an image's class first.  The controls show what the parts of the method
add: random codes through the generator (no search), and as many steps in pixels (no generator).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

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
    find_engine,
    gather,
    images,
    one_by_one,
    open_net,
    partition_jobs,
    random_code,
    released,
    synthesize,
    without_prior,
)
from dgnam.am.published.backend import engine_name
from dgnam.am.render import render
from dgnam.errors import DgnamError, closest
from dgnam.figures import labelled_grid
from dgnam.measure import Judge
from dgnam.runs import folder as runs
from dgnam.zoo import registry as zoo

from .outcome import Outcome, Request


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

    @property
    def names(self) -> list[str]:
        return [name for name in (self.target, self.generator, self.judge) if name is not None]


PAPER = None
"""The paper's numbers to compare with: Figure 1 is pictures only."""

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


def run(request: Request) -> Outcome:
    """Run figure 1; missing weights give a blocked outcome."""
    if request.models not in CASTS:
        raise DgnamError(f"models '{request.models}': give one of {closest(request.models, CASTS)}")
    cast = CASTS[request.models]
    missing = _missing(cast)
    if missing:
        return Outcome(blocked="; ".join(missing))
    stage = _Stage(cast, request)
    units = stage.units()
    folder = runs.RunFolder.create(request.output, f"fig1-{request.models}")
    panels = stage.panels(units)
    ours = {panel.name: stage.numbers(panel, units) for panel in panels}
    numbers = {"units": len(units), "paper": PAPER, **ours}
    figure = stage.write(folder, panels, units)
    folder.write_json("numbers.json", numbers)
    folder.write_json("run.json", stage.record(units, panels))
    return Outcome(folder.path, figure, numbers, _lines(numbers))


def _missing(cast: Cast) -> list[str]:
    """What each absent file of the cast is, and how to get it, after an attempt to download it."""
    reasons = []
    obtain: list[Callable[[], object]] = [zoo.get(name).weights_path for name in cast.names]
    for get in [*obtain, zoo.get(cast.generator).act_range]:
        try:
            get()
        except zoo.MissingWeightsError as missing:
            reasons.append(str(missing))
    return reasons


class _Stage:
    """The loaded networks of a cast, for one request."""

    def __init__(self, cast: Cast, request: Request):
        self.cast, self.request = cast, request
        self.entries = {name: zoo.get(name) for name in cast.names}
        self.target_entry, self.generator_entry = self.entries[cast.target], self.entries[cast.generator]
        self.layer = str(self.target_entry.scores)
        self.engine = None if request.engine is None else find_engine(request.engine)
        target = zoo.load(cast.target)
        self.target, self.own_judge = CaffeTarget(target), Judge(target, self.layer)
        self.prior = GeneratorPrior(zoo.load(cast.generator))
        self.judge = None if cast.judge is None else Judge(zoo.load(cast.judge), str(zoo.get(cast.judge).scores))
        self.labels = self.target_entry.labels()
        bounds = self.generator_entry.act_range()
        if bounds is None:
            raise DgnamError(f"model '{cast.generator}' has no act_range to clip its codes to")
        self.act_range: np.ndarray = bounds

    def units(self) -> list[int]:
        wanted, count = self.request.units, len(self.labels)
        if wanted is None:
            return list(range(count)) if self.cast.units is None else list(self.cast.units)
        outside = [str(unit) for unit in wanted if not 0 <= unit < count]
        if outside or not wanted:
            shown = ", ".join(outside[:3]) + (", …" if len(outside) > 3 else "")
            raise DgnamError(f"units {shown}: {self.layer} of '{self.cast.target}' has units 0 to {count - 1}")
        return list(wanted)

    def panels(self, units: Sequence[int]) -> list[Panel]:
        settings, pixels = self.cast.settings, PixelPrior(self.target.size)
        name, seed, device = self.cast.target, f"seed {self.request.seed}", self.request.device
        bare = without_prior(settings.n_iters, settings.schedule.start, settings.schedule.end)
        searched = self._preferred(units, settings)
        free = self._search(pixels, units, bare, pixels.bounds)
        drawn = render(self.prior, self._random_codes(units), self.target.size, device=device)
        return [
            Panel("dgn_am", f"Preferred images of {name}'s output units ({seed})", searched.images, settings, searched),
            Panel("random_codes", f"Control: random codes through the generator ({seed})", drawn, settings),
            Panel("pixels", f"Control: {settings.n_iters} steps in pixels, no prior ({seed})", free.images, bare, free),
        ]

    def _preferred(self, units: Sequence[int], settings: Settings) -> Result:
        """The method, by all images at once or by the engine that was asked for."""
        bounds = act_range_bounds(self.act_range)
        if self.engine is None:
            return self._search(self.prior, units, settings, bounds)
        entries = self.target_entry, self.generator_entry
        target, generator = (open_net(self.engine, entry.prototxt, entry.weights_path()) for entry in entries)
        return one_by_one(target, generator, self._jobs(units, settings), clip=bounds, progress=self.request.progress)

    def _jobs(self, units: Sequence[int], settings: Settings) -> list[Job]:
        return [Job(Unit(self.layer, unit), self.request.seed, settings) for unit in units]

    def _search(self, prior: Prior, units: Sequence[int], settings: Settings, clip: Bounds) -> Result:
        jobs = self._jobs(units, settings)
        device, progress = self.request.device, self.request.progress
        return gather(synthesize(self.target, prior, jobs, clip=clip, device=device, progress=progress))

    def _random_codes(self, units: Sequence[int]) -> np.ndarray:
        """A code for each unit: normal, with a third of each neuron's range as deviation, and clipped to the range."""
        codes = random_code(self.request.seed, (len(self.labels), *self.prior.code_shape))[list(units)]
        return act_range_bounds(self.act_range).apply(codes * self.act_range / 3)

    def numbers(self, panel: Panel, units: Sequence[int]) -> dict[str, float]:
        found = {"target_top1": self.own_judge.rank(panel.images, units).top(1)}
        if self.judge is not None:
            verdict = self.judge.rank(panel.images, units)
            found |= {"judge_top1": verdict.top(1), "judge_top5": verdict.top(5)}
        return found

    def write(self, folder: runs.RunFolder, panels: Sequence[Panel], units: Sequence[int]) -> Path:
        """The pictures, a grid to each panel, codes and activations; returns the main grid's path."""
        names, seed = [self.labels[unit].name for unit in units], self.request.seed
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
                images.save(
                    folder.path / panel.name,
                    image,
                    Unit(self.layer, unit),
                    panel.settings,
                    seed,
                    self.request.published,
                )
            if panel.result is not None:
                folder.write_arrays(
                    f"{panel.name}.h5", _arrays(panel.result, units), {"layer": self.layer, "seed": seed}
                )
        return folder.path / f"{panels[0].name}.png"

    def record(self, units: Sequence[int], panels: Sequence[Panel]) -> dict[str, Any]:
        """All that decides the run's bytes."""
        files = [path for entry in self.entries.values() for path in (entry.prototxt, *entry.files())]
        return {
            "experiment": "fig1",
            "models": self.request.models,
            "layer": self.layer,
            "units": list(units),
            "seed": self.request.seed,
            "device": self.request.device,
            "engine": None if self.engine is None else engine_name(self.engine),
            "published_images": self.request.published,
            "settings": {panel.name: panel.settings.as_dict() for panel in panels if panel.result is not None},
            "partition": partition_jobs([Job(Unit(self.layer, unit)) for unit in units]),
            "files": {f"{path.parent.name}/{path.name}": runs.sha256(path) for path in files},
            "versions": runs.versions(),
            "threads": runs.threads(),
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
