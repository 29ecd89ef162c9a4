"""What an experiment's function works with: networks, units and seeds, and steps kept in the experiment's folder.

A step is a run in a folder of the experiment's own, so that an experiment that was killed is resumed in the middle of
it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from dgnam import zoo
from dgnam.am import Settings, Start, Unit, released
from dgnam.am.images import picture
from dgnam.api.judges import open_judge, open_outside_judge
from dgnam.api.neighbors import PictureNeighbors, neighbors
from dgnam.api.occlusion import Occlusion, occlusion
from dgnam.api.pictures import HELD_OUT, TRAINING, open_pictures, picture_preprocessing
from dgnam.api.priors import ResolvedPrior, open_prior
from dgnam.api.render import random_codes, render
from dgnam.api.result import Visualization
from dgnam.api.starts import open_start
from dgnam.api.targets import ResolvedTarget, joint, open_target
from dgnam.api.tune import tune
from dgnam.api.visualize import read_objectives, visualize
from dgnam.data.dataset import Dataset
from dgnam.data.preprocessing import center_crop, preprocess
from dgnam.errors import DgnamError, MissingPackageError
from dgnam.figures import draw_estimates, draw_pairs, labeled_grid
from dgnam.files.encode import png
from dgnam.measure import BaseJudge, Verdict, kid_difference
from dgnam.measure.class_score import score_by_probability
from dgnam.measure.judge import rank_by_target, resized
from dgnam.measure.layer_codes import LayerCodes
from dgnam.measure.outside_judge import HALVES, REPORTED
from dgnam.measure.statistics import mean, mean_difference
from dgnam.measure.unit_values import unit_values
from dgnam.runs import Run
from dgnam.runs.record import RECORD

from .claims import claims
from .crops import Crop
from .experiment import OUTSIDE, Experiment, Models, Size
from .finding import NO_CONTROLS, Controls, Finding, Part, find
from .pictures import Pictures
from .rates import of_photographs
from .reference import FEATURES, REAL_FEATURES, image_sets, reference

Series = Mapping[str, Mapping[str, np.ndarray]]

BATCH = 100
"""Images that a network sees at once."""

ROW_NAMES = {"dgn_am": "DGN-AM"}
"""Of steps in an overview; the others are named by their steps."""

MOST_COLUMNS = 10
"""Units in an overview."""

TUNED_ON = 8
"""Units that settings are tuned on."""

TUNED_ITERS = (50, 400)
"""The numbers of steps tried."""

TUNED_RATES = (0.3, 32.0, "log")
"""The first learning rates tried: codes of some layers are smaller than others."""


@dataclass(eq=False)
class Context:
    """An experiment that is carried out.

    begun: the experiment's own run, once it has begun.
    figures: the figures shown so far; the first one is the main one.
    findings: what was decided so far, by the claim's name.
    rows: of the table of all pictures that were judged.
    """

    experiment: Experiment
    models: Models
    arguments: Mapping[str, Any]
    begun: Run | None = None
    figures: list[Path] = field(default_factory=list)
    findings: dict[str, Finding] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def run(self) -> Run:
        """Where the steps are kept."""
        assert self.begun is not None
        return self.begun

    # What is looked at

    @property
    def size(self) -> Size:
        """How much is made at the scale asked for."""
        return self.experiment.sizes[self.arguments["scale"]]

    @cached_property
    def target(self) -> ResolvedTarget:
        """The target asked for, or the experiment's."""
        given = self.arguments
        asked = self.models.target if given["target"] is None else given["target"]
        own = {name: given[name] for name in ("weights", "labels", "labels_layer", "mean", "channels")}
        return open_target(asked, clips=True, **own)

    @cached_property
    def prior(self) -> ResolvedPrior:
        """The prior asked for, or the experiment's."""
        given = self.arguments
        asked = self.models.prior if given["prior"] is None else given["prior"]
        return open_prior(asked, self.frame_size, weights=given["prior_weights"])

    @property
    def frame_size(self) -> tuple[int, int]:
        """Height and width of an image of the target, or of a frame of its clips."""
        size: tuple[int, int] = getattr(self.target.target, "frame_size", self.target.target.size)
        return size

    def other(self, part: str) -> ResolvedTarget:
        """The network that plays this part, as a target."""
        return open_target(self.models.others[part], clips=True)

    def other_prior(self, part: str) -> ResolvedPrior:
        """The network that plays this part, as a prior."""
        return open_prior(self.models.others[part], self.frame_size)

    def with_its_classes(self, name: str, target: ResolvedTarget) -> tuple[ResolvedTarget, list[int]]:
        """Another network, shown images of the experiment's size resized to its own, and its units of the same classes.

        name: what its layers are called by, as in `name.fc8`.
        """
        keys = [label.key for label in self.target.classes[0].labels]
        theirs = [label.key for label in target.classes[0].labels]
        return joint({name: target}, self.frame_size), [theirs.index(keys[unit]) for unit in self.units]

    @cached_property
    def units(self) -> list[int]:
        """The units asked for, or the experiment's at this scale, evenly spread; others than there are are an error."""
        wanted, count = self.arguments["units"], len(self.labels)
        if wanted is None:
            usual = list(range(count)) if self.models.units is None else list(self.models.units)
            return evenly(usual, self.size.units)
        outside = [str(unit) for unit in wanted if not 0 <= unit < count]
        if outside or not wanted:
            shown = ", ".join(outside[:3]) + (", …" if len(outside) > 3 else "")
            raise DgnamError(f"units {shown}: {self.layer} of '{self.target.name}' has units 0 to {count - 1}")
        return list(wanted)

    @property
    def seeds(self) -> list[int]:
        """The seeds at this scale, from the first one asked for."""
        first = int(self.arguments["seed"])
        return list(range(first, first + self.size.seeds))

    @property
    def layer(self) -> str:
        """The layer of the target's class scores."""
        return self.target.scores

    @cached_property
    def labels(self) -> list[str]:
        """The names of the target's classes."""
        return labels_of(self.target)

    # What is made

    def synthesize(
        self,
        step: str,
        *,
        target: ResolvedTarget | None = None,
        layer: str | None = None,
        units: Sequence[int] | None = None,
        seeds: Sequence[int] | None = None,
        **options: Any,
    ) -> Pictures:
        """The preferred images of units, as a step kept in the folder `step`.

        target, layer, units, seeds: the experiment's, its classes and its seeds where None.
        options: of `visualize`; the experiment's own prior where none is given.
        """
        net = self.target if target is None else target
        name = net.scores if layer is None else layer
        numbers = self.units if units is None else list(units)
        from_seeds = self.seeds if seeds is None else list(seeds)
        made = self.visualize(step, [f"{name}:{unit}" for unit in numbers], target=net, seeds=from_seeds, **options)
        shape = (len(numbers), len(from_seeds))
        return Pictures(made.raw, numbers, from_seeds, made.activations.reshape(shape))

    def visualize(self, step: str, objectives: Any, *, target: Any = None, **options: Any) -> Visualization:
        """`dgnam.visualize` as a step kept in the folder `step`; at smoke scale with fewer steps."""
        given = self.arguments
        usual = {name: given[name] for name in ("published_images", "device", "precision")} | {"prior": self.prior}
        fewer = {} if self.size.steps is None else {"n_iters": self.size.steps}
        return visualize(
            self.target if target is None else target,
            objectives,
            **{**usual, **options, **fewer, **self.step(step)},
            executor=self.arguments["executor"],
        )

    def step(self, name: str) -> dict[str, Any]:
        """The options by which a function of `dgnam` makes a step, or resumes it, in the folder `name`."""
        folder = self.run.path / name
        return {
            "folder": folder,
            "resume": (folder / RECORD).is_file(),
            "progress": self.arguments["progress"],
        }

    def tuned(
        self, step: str, *, target: ResolvedTarget | None = None, prior: Any = None, trials: int = 12
    ) -> Settings:
        """The best of so many random settings, by the first of the judges, on eight units that this scale doesn't see.

        Kept in the folder `step`.  The published settings where no judge or too few units are left to tune by.
        """
        net = self.target if target is None else target
        if not self.tunes or not self.judges:
            return released()
        others = [unit for unit in range(len(self.labels)) if unit not in self.units]
        name, judge = next(iter(self.judges.items()))
        by = {"score": score_by_probability(judge)} if name == OUTSIDE else {"judge": name}
        tuning, held_out = evenly(others[::2], TUNED_ON), others[1]
        found = tune(
            net,
            [f"{net.scores}:{unit}" for unit in tuning],
            report_on=f"{net.scores}:{held_out}",
            prior=self.prior if prior is None else prior,
            trials=trials,
            n_iters=TUNED_ITERS,
            start_lr=TUNED_RATES,
            device=self.arguments["device"],
            **by,
            **self.step(step),
            executor=self.arguments["executor"],
        )
        return found.rows[0].settings

    @property
    def tunes(self) -> bool:
        """Whether settings are tuned at this scale, where there are judges."""
        return self.size.steps is None and len(self.labels) - len(self.units) >= 2 * TUNED_ON

    def random_codes(self, seeds: Sequence[int] | None = None) -> Pictures:
        """A random code for each unit and seed through the prior: the control without a search."""
        from_seeds = self.seeds if seeds is None else list(seeds)
        codes = [random_codes(self.prior, len(self.labels), seed)[self.units] for seed in from_seeds]
        arranged = np.stack(codes, 1).reshape(-1, *codes[0].shape[1:])
        return Pictures(self.render(arranged), self.units, from_seeds)

    def render(self, codes: np.ndarray) -> np.ndarray:
        """(N, 3, h, w) float32: what the target sees of the prior's images of codes."""
        return render(self.prior, codes, self.frame_size, device=self.arguments["device"])

    def start(self, text: str, prior: object = None) -> Start:
        """The start that a text names, with pictures from the folder of image sets; for another prior if one is given.

        It is as `open_start` takes them.
        """
        opened = self.prior if prior is None else open_prior(prior, self.frame_size)
        return open_start(text, opened, data=self.data)

    def neighbors(self, step: str, pictures: np.ndarray, **options: Any) -> PictureNeighbors:
        """`dgnam.neighbors` of pictures (N, h, w, 3) uint8, in what the target sees, as a step."""
        device = self.arguments["device"]
        return neighbors(pictures, target=self.target, data=self.data, device=device, **options, **self.step(step))

    def occlusion(self, step: str, objectives: Sequence[str], **options: Any) -> Occlusion:
        """`dgnam.occlusion` of units, as a step."""
        given = {"data": self.data, "device": self.arguments["device"]}
        return occlusion(self.target, objectives, **given, **options, **self.step(step))

    def values(self, objectives: Any, images: np.ndarray, target: ResolvedTarget | None = None) -> np.ndarray:
        """(N, U) float32: the values of units, given as `visualize` takes them, for images (N, 3, h, w)."""
        net = self.target if target is None else target
        return unit_values(net.target, read_objectives(objectives, net), images, device=self.arguments["device"])

    def layer_values(self, layers: Sequence[str], images: np.ndarray) -> dict[str, np.ndarray]:
        """(N, n) float32 of each of the target's layers for images (N, 3, h, w), after an in-place ReLU."""
        read, names = LayerCodes(self.target.target, layers, self.arguments["device"]), [""] * len(images)
        parts = [read(images[k : k + BATCH], names[k : k + BATCH]) for k in range(0, len(images), BATCH)]
        return {layer: np.concatenate([part[layer] for part in parts]) for layer in layers}

    @cached_property
    def held_out(self) -> Dataset:
        """The pictures that the target was measured on; an error where there is no folder of image sets."""
        return self._pictures(HELD_OUT)

    @cached_property
    def training(self) -> Dataset:
        """The pictures that the target was trained on."""
        return self._pictures(TRAINING)

    def _pictures(self, which: str) -> Dataset:
        """The target's pictures, in the size that it has them in before its crop."""
        size = picture_preprocessing(self.target).size
        return replace(open_pictures(None, self.target, which, data=self.data), resize=size)

    def shown(self, pictures: Dataset) -> tuple[np.ndarray, np.ndarray]:
        """The part of pictures that the target sees, (N, h, w, 3) uint8 RGB, and their labels (N,)."""
        found, labels = pictures.take(slice(None))
        return center_crop(found, self.frame_size), labels

    def seen(self, pictures: Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Pictures as the target takes them, (N, 3, h, w) float32, and their labels (N,)."""
        found, labels = self.shown(pictures)
        return preprocess(found), labels

    @cached_property
    def data(self) -> Path | None:
        """The folder of the image sets; None where there is none, and what needs real pictures is left out."""
        return image_sets(self.arguments["data"])

    # What is said of it

    @cached_property
    def judges(self) -> dict[str, BaseJudge]:
        """By name: the experiment's judges that know the target's classes and take images of its size.

        The outside judge is among them where its extra is installed.
        """
        return self.judges_of(self.target)

    def judges_of(self, target: ResolvedTarget) -> dict[str, BaseJudge]:
        """The same for another target."""
        found: dict[str, BaseJudge] = {}
        for name in self.models.judges:
            judge = self._outside(target) if name == OUTSIDE else _fitting(name, target)
            if judge is not None:
                found[name] = judge
        return found

    @staticmethod
    def _outside(target: ResolvedTarget) -> BaseJudge | None:
        try:
            return open_outside_judge(target)
        except MissingPackageError:
            return None

    def reported(self, judge: str, units: Sequence[int]) -> list[int]:
        """The units whose pictures a judge sees: of the outside judge those of odd index.

        By the others generators are chosen.
        """
        return [unit for unit in units if judge != OUTSIDE or unit % 2 == HALVES[REPORTED]]

    def judge(self, step: str, pictures: Pictures, own: str | None = None) -> dict[str, Verdict]:
        """What the judges, but the step's `own` target, say of its pictures, each array (units, seeds), by their names.

        A judge says nothing where none of the units is among those that it sees.  Each picture gets its line in the
        table.
        """
        verdicts: dict[str, Verdict] = {}
        for name, judge in self.judges.items():
            seen = pictures.of_units(self.reported(name, pictures.units))
            if len(seen) and name != own:
                verdicts[name] = judge.rank(seen.images, seen.classes).reshape(len(seen.units), len(seen.seeds))
        self._tabulate(step, pictures, verdicts)
        return verdicts

    def verdict(self, judge: str, pictures: Pictures) -> Verdict:
        """What a classifier of the zoo says of pictures, which are of its size and its classes."""
        return open_judge(judge).rank(pictures.images, pictures.classes)

    def own_rate(self, pictures: Pictures) -> float:
        """How often the target itself ranks a picture's unit first."""
        return rank_by_target(self.target.target, self.layer, pictures.images, pictures.classes).top(1)

    def compare(
        self, steps: Mapping[str, Pictures], titles: Mapping[str, str], own: Mapping[str, str] = MappingProxyType({})
    ) -> dict[str, dict[str, Verdict]]:
        """Show some units by all steps, and all by each, from the first seed; and ask the judges for each picture.

        own: of a step whose target is one of the judges, this one, which isn't asked.
        Returns what they say, by step and judge.
        """
        self.overview(steps)
        for step, pictures in steps.items():
            self.show(step, pictures.first, [self.labels[unit] for unit in pictures.units], titles[step])
        return {step: self.judge(step, pictures, own.get(step)) for step, pictures in steps.items()}

    def points(
        self, found: Mapping[str, Mapping[str, Verdict]], ours: str, theirs: str, name: str = "{judge}", k: int = 1
    ) -> dict[str, Part]:
        """For each judge the difference of two steps in how often their class is among the first k, paired by unit."""
        return {
            name.format(judge=judge): partial(
                mean_difference, found[ours][judge].points(k), found[theirs][judge].points(k)
            )
            for judge in found[ours]
        }

    def kernel_distance(self, ours: Pictures, theirs: Pictures) -> Part:
        """By how much the KID of their pictures from real ones is above that of ours, in judge-mini's features."""
        return partial(
            kid_difference,
            self.features(theirs.images),
            self.features(ours.images),
            reference(REAL_FEATURES),
            first_units=theirs.classes,
            second_units=ours.classes,
        )

    def features(self, images: np.ndarray, crop: Crop | None = None) -> np.ndarray:
        """(N, K) float32 of images of any size: judge-mini's features of them, resized to its own size.

        It is neither a target nor a prior, and sees of a whole picture as much as a target does.
        crop: shows it a part of each image; None all of it.
        """
        judge, parts = open_judge(FEATURES), (images[k : k + BATCH] for k in range(0, len(images), BATCH))
        shown = parts if crop is None else map(crop, parts)
        return np.concatenate([judge.features(resized(part, judge.size)) for part in shown])

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

    @cached_property
    def recognized(self) -> Controls:
        """Those of claims about recognizability: how often judges rank a class first, in percentage points.

        In random codes through the prior; in photographs, and in the prior's reconstructions of them, by the cards.
        """
        random = self.judge("random codes", self.random_codes())
        floor = {f"random codes, {judge}": float(verdict.points().mean()) for judge, verdict in random.items()}
        return Controls(floor, of_photographs(self.judges, self.prior.name))

    # What is shown

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
        """Write `name`.png: pictures (h, w, 3) uint8 RGB with a caption each."""
        self._grid(name, shown, captions, title, columns=self.models.columns if columns is None else columns)

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
            table = {one: [summary(values) for values in by_category.values()] for one, by_category in series.items()}
            self._figure(name, draw_estimates(table, categories, **words))

    def plot_pairs(self, name: str, series: Mapping[str, tuple[np.ndarray, np.ndarray]], **words: Any) -> None:
        """Write `name`.png: pairs of numbers as points, as `draw_pairs` takes them; nothing where there are none."""
        if series:
            self._figure(name, draw_pairs(series, **words))

    def overview(self, steps: Mapping[str, Pictures]) -> None:
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
            f"Preferred images, {self.target.name}{where}",
            columns=len(units),
            across=[self.labels[unit] for unit in units],
            down=[ROW_NAMES.get(step, step.replace("_", " ")) for step in steps],
        )

    def _tabulate(self, step: str, pictures: Pictures, verdicts: Mapping[str, Verdict]) -> None:
        rows = {(u, s): {"step": step, "unit": u, "seed": s} for u in pictures.units for s in pictures.seeds}
        if pictures.activations is not None:
            for row, value in zip(rows.values(), pictures.activations.ravel(), strict=True):
                row["activation"] = f"{value:.6g}"
        for name, verdict in verdicts.items():
            seen = [(u, s) for u in self.reported(name, pictures.units) for s in pictures.seeds]
            for place, rank, value in zip(seen, verdict.ranks.flat, verdict.log_probability.flat, strict=True):
                rows[place] |= {f"{name} rank": int(rank), f"{name} log probability": f"{value:.6g}"}
        self.rows += rows.values()

    def table(self) -> str:
        """A line for each judged picture, as CSV."""
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()


def mean_and_ends(values: np.ndarray) -> tuple[float, float, float]:
    """The mean over units and the ends of its interval; NaN for those of a single unit, which has none."""
    if len(values) < 2:
        return float(np.mean(values)), np.nan, np.nan
    found = mean(values)
    return found.value, found.low, found.high


def evenly(units: Sequence[int], most: int | None) -> list[int]:
    """At most so many of the units, evenly spread, the first and the last among them."""
    if most is None or most >= len(units):
        return list(units)
    return [units[place] for place in np.linspace(0, len(units) - 1, most).round().astype(int)]


def labels_of(target: ResolvedTarget) -> list[str]:
    """The names of a target's classes."""
    count = target.target.layer_shape(target.scores)[0]
    return [target.caption(Unit(target.scores, unit)) for unit in range(count)]


def _fitting(judge: str, target: ResolvedTarget) -> BaseJudge | None:
    """A judge of the zoo, if it knows a target's classes and takes images of its size."""
    keys = [label.key for label in zoo.get(judge).labels()]
    if keys not in [[label.key for label in classes.labels] for classes in target.classes]:
        return None
    opened = open_judge(judge)
    return opened if opened.size == target.target.size else None
