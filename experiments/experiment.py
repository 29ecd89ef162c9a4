"""What an experiment declares, and what its function is given: networks, units, and steps kept on the disk.

    EXPERIMENT = Experiment("fig1", "3.1", "Fig. 1", models={"mini": Models("caffenet-mini", …)}, run=run)

A step is a run in a folder of the experiment's own, so that a killed experiment is resumed in the middle of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dgnam import zoo
from dgnam.am import Unit
from dgnam.am.images import picture
from dgnam.api.fingerprint import file_checksums
from dgnam.api.judges import open_judge, open_outside_judge
from dgnam.api.priors import open_prior
from dgnam.api.render import random_codes, render
from dgnam.api.result import Visualization
from dgnam.api.run_folder import at_work, begin
from dgnam.api.spec import spec_of
from dgnam.api.targets import open_target
from dgnam.api.visualize import visualize
from dgnam.caffe.mode import usable_device
from dgnam.errors import DgnamError, MissingPackageError, closest
from dgnam.figures import labeled_grid
from dgnam.files.encode import png
from dgnam.measure.judge import Verdict, rank_by_target
from dgnam.measure.outside_judge import EXTRA, HALVES, REPORTED, OutsideJudge, packages
from dgnam.runs import Record, Run, environment

SCALES: Mapping[str, int | None] = {"smoke": 4, "small": 20, "full": None}
"""At most so many units, evenly spread over those of the figure; None for all."""

OUTSIDE = ("outside_top1", "outside_top5")
"""The outside judge's numbers."""


@dataclass(frozen=True)
class Models:
    """The networks of an experiment, by their names in the registry.

    judges: classifiers that were never a target; they see the target's classes.
    units: those of the figure; None for all.
    columns, enlarge: the figure's layout: pictures in a row, and how many times as large they are shown.
    note: written under the figures.
    """

    target: str
    prior: str
    judges: tuple[str, ...] = ()
    units: tuple[int, ...] | None = None
    columns: int = 20
    enlarge: int = 1
    note: str = ""


@dataclass(frozen=True)
class Experiment:
    """An experiment of the paper.

    section, figure: where it stands in the paper.
    models: for "mini" and for "paper".
    run: makes the steps, shows them, and returns the numbers.
    steps: the names of the steps that `run` synthesizes.
    """

    name: str
    section: str
    figure: str
    models: Mapping[str, Models]
    run: Callable[[Context], Mapping[str, Any]]
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """An experiment's result: numbers with what they are about, in a run folder; or why there are none.

    figure: the main picture's path.
    numbers: by name, as `numbers.json` has them.
    summary: the same for people to read.
    blocked: what is missing and how to get it; empty where the experiment ran.
    """

    folder: Path | None = None
    figure: Path | None = None
    numbers: Mapping[str, Any] | None = None
    summary: Sequence[str] = ()
    blocked: str = ""


@dataclass(eq=False)
class Context:
    """What an experiment's function works with.

    figures: the figures shown so far; the first one is the main one.
    """

    experiment: Experiment
    models: Models
    arguments: Mapping[str, Any]
    run: Run | None = None
    figures: list[Path] = field(default_factory=list)

    @cached_property
    def target(self) -> Any:
        """The target that was asked for, or the experiment's, opened."""
        given = self.arguments
        asked = self.models.target if given["target"] is None else given["target"]
        own = {name: given[name] for name in ("weights", "labels", "labels_layer", "mean", "channels")}
        return open_target(asked, **own)

    @cached_property
    def prior(self) -> Any:
        """The prior that was asked for, or the experiment's, opened."""
        given = self.arguments
        asked = self.models.prior if given["prior"] is None else given["prior"]
        return open_prior(asked, self.target.target.size, weights=given["prior_weights"])

    @cached_property
    def layer(self) -> str:
        """The layer of the target's class scores."""
        return self.target.scores

    @cached_property
    def labels(self) -> list[str]:
        """The names of the target's classes."""
        count = self.target.target.layer_shape(self.layer)[0]
        return [self.target.caption(Unit(self.layer, unit)) for unit in range(count)]

    @cached_property
    def units(self) -> list[int]:
        """The units asked for, or those of the figure, or all; others than the layer has are an error."""
        wanted, count = self.arguments["units"], len(self.labels)
        if wanted is None:
            usual = list(range(count)) if self.models.units is None else list(self.models.units)
            most = SCALES[self.arguments["scale"]]
            return usual if most is None else usual[:: -(-len(usual) // most)]
        outside = [str(unit) for unit in wanted if not 0 <= unit < count]
        if outside or not wanted:
            shown = ", ".join(outside[:3]) + (", …" if len(outside) > 3 else "")
            raise DgnamError(f"units {shown}: {self.layer} of '{self.target.name}' has units 0 to {count - 1}")
        return list(wanted)

    @property
    def seed(self) -> int:
        return int(self.arguments["seed"])

    def synthesize(self, step: str, **options: Any) -> np.ndarray:
        """The images (N, 3, h, w) float32 of the units from the experiment's seed, as a step kept in the folder `step`.

        step: one of those that the experiment declares.
        options: of `visualize`; the experiment's own prior where none is given.
        """
        assert step in self.experiment.steps, f"{self.experiment.name} declares no step {step}"
        return self._visualize(step, {"prior": self.prior, **options}).raw

    def random_codes(self) -> np.ndarray:
        """The images (N, 3, h, w) float32 of a random code for each unit: the control without a search."""
        codes = random_codes(self.prior, len(self.labels), self.seed)[self.units]
        return render(self.prior, codes, self.target.target.size, device=self.arguments["device"])

    def ranks(self, images: np.ndarray) -> dict[str, float | None]:
        """How often the target, and each judge, rank a picture's unit first, and a judge among five.

        The outside judge's are those of the units of odd index: by the others generators are chosen.  None where it is
        not installed, or no unit is odd; nothing where it doesn't know the target's classes.
        """
        found: dict[str, float | None] = {"target_top1": self._own_ranks(images).top(1)}
        for name in self.judges:
            verdict, short = open_judge(name).rank(images, self.units), name.removesuffix("-mini").replace("-", "_")
            found |= {f"{short}_top1": verdict.top(1), f"{short}_top5": verdict.top(5)}
        return found | self.outside_ranks(images)

    def outside_ranks(self, images: np.ndarray) -> dict[str, float | None]:
        """The outside judge's part of `ranks`."""
        try:
            judge = self.outside_judge
        except MissingPackageError:
            return dict.fromkeys(OUTSIDE)
        reported = [place for place, unit in enumerate(self.units) if unit % 2 == HALVES[REPORTED]]
        if judge is None or not reported:
            return {} if judge is None else dict.fromkeys(OUTSIDE)
        verdict = judge.rank(images[reported], [self.units[place] for place in reported])
        return dict(zip(OUTSIDE, (verdict.top(1), verdict.top(5)), strict=True))

    @cached_property
    def outside_judge(self) -> OutsideJudge | None:
        """The outside judge for the target's classes; see `open_outside_judge`."""
        return open_outside_judge(self.target)

    @cached_property
    def judges(self) -> list[str]:
        """The experiment's judges, as far as they know the target's classes and take images of its size."""
        keys = [[label.key for label in classes.labels] for classes in self.target.classes]
        fitting = [name for name in self.models.judges if [label.key for label in zoo.get(name).labels()] in keys]
        return [name for name in fitting if open_judge(name).size == self.target.target.size]

    def _own_ranks(self, images: np.ndarray) -> Verdict:
        if self.arguments["target"] is None:
            return open_judge(self.models.target).rank(images, self.units)
        return rank_by_target(self.target.target, self.layer, images, self.units)

    def show(self, name: str, images: np.ndarray, title: str) -> None:
        """Write `name`.png: the images of all units with their classes' names."""
        sheet = labeled_grid(
            [picture(image) for image in images],
            [self.labels[unit] for unit in self.units],
            columns=self.models.columns,
            title=title,
            note=self.models.note,
            scale=self.models.enlarge,
        )
        self.figures.append(self._run.write_bytes(f"{name}.png", png(sheet)))

    @property
    def _run(self) -> Run:
        assert self.run is not None
        return self.run

    def _visualize(self, step: str, options: Mapping[str, Any]) -> Visualization:
        folder = self._run.path / step
        given = self.arguments
        return visualize(
            self.target,
            [f"{self.layer}:{unit}" for unit in self.units],
            seed=self.seed,
            published_images=given["published_images"],
            device=given["device"],
            folder=folder,
            resume=(folder / "run.json").is_file(),
            progress=given["progress"],
            **options,
        )

    def inputs(self) -> dict[str, Any]:
        """What decides the experiment's numbers."""
        files = [path for name in self.judges for path in (zoo.get(name).prototxt, zoo.get(name).weights_path())]
        return {
            "target": {"name": self.target.name, **self.target.record},
            "prior": {"name": self.prior.name, **self.prior.record},
            "judges": file_checksums(*files),
            "layer": self.layer,
            "units": self.units,
            "seed": self.seed,
        }


def carry_out(experiment: Experiment, arguments: Mapping[str, Any]) -> Outcome:
    """Run or resume an experiment; missing weights give a blocked outcome."""
    for name, known in (("models", experiment.models), ("scale", SCALES)):
        if arguments[name] not in known:
            raise DgnamError(f"{name} '{arguments[name]}': give one of {closest(arguments[name], known)}")
    models = experiment.models[arguments["models"]]
    usable_device(arguments["device"])
    missing = _missing(models, arguments)
    if missing:
        return Outcome(blocked=f"{experiment.name} is blocked: {'; '.join(missing)}")
    context = Context(experiment, models, arguments)
    inputs = {**context.inputs(), "models": arguments["models"], "scale": arguments["scale"]}
    record = Record("reproduce", spec_of(arguments), inputs, environment(*packages()))
    usual = f"{experiment.name}-{arguments['models']}"
    name, folder = arguments["name"] or usual, arguments["folder"]
    output = None if folder is not None else arguments["output"]
    run = begin(record, folder=folder, output=output, name=name, resume=arguments["resume"])
    assert run is not None
    context.run = run
    with at_work(run, len(experiment.steps) * len(context.units), "images"):
        numbers = experiment.run(context)
        run.write_json("numbers.json", {"units": len(context.units), **numbers})
    return Outcome(run.path, context.figures[0], {"units": len(context.units), **numbers}, _lines(context, numbers))


def _missing(models: Models, arguments: Mapping[str, Any]) -> list[str]:
    """What each absent file of the models is, and how to get it, after an attempt to download it."""
    reasons = []
    needed = [models.target] if arguments["target"] is None else []
    needed += [models.prior] if arguments["prior"] is None else []
    obtain: list[Callable[[], object]] = [zoo.get(name).weights_path for name in (*needed, *models.judges)]
    obtain += [zoo.get(models.prior).act_range] if arguments["prior"] is None else []
    for get in obtain:
        try:
            get()
        except zoo.MissingWeightsError as missing:
            reasons.append(str(missing))
    return reasons


def _lines(context: Context, numbers: Mapping[str, Any]) -> list[str]:
    """A table: a row to each step."""
    rows = [(name, values) for name, values in numbers.items() if isinstance(values, dict)]
    columns = list(rows[0][1])
    lines = [f"{len(context.units)} units".ljust(14) + "".join(column.rjust(14) for column in columns)]
    lines += [name.ljust(14) + "".join(_cell(values[c]).rjust(14) for c in columns) for name, values in rows]
    if OUTSIDE[0] in columns:
        what = f"the outside judge sees the units of {REPORTED} index"
        lines.append(what if packages() else f"{what}; it is not installed: pip install {EXTRA}")
    return lines


def _cell(value: float | None) -> str:
    return "not judged" if value is None else f"{value:.1%}"
