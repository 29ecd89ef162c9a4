"""What an experiment would make, counted without making it.

for one in plan(EXPERIMENTS["fig1"], {**arguments, "scale": "full"}):
    print(one.step, one.images, one.n_iters)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from dgnam.am import Settings, released
from dgnam.api.plan import choose_seeds
from dgnam.api.priors import open_prior
from dgnam.api.settings import choose_settings
from dgnam.api.targets import ResolvedTarget
from dgnam.api.visualize import read_objectives
from dgnam.data.dataset import Dataset
from dgnam.measure import BaseJudge, Verdict

from .context import Context, Series
from .experiment import Experiment
from .finding import NO_CONTROLS, Controls, Part
from .judging import TUNED_ITERS, TUNED_ON, TUNED_TRIALS
from .pictures import Pictures
from .reference import FEATURES, reference

TINY = (8, 8)
"""Height and width of the images that stand for those that would be made."""

WIDTH, PER_CLASS = 8, 4
"""Numbers of a picture in place of a layer's or a judge's; pictures of a class."""


STEPS, SEARCHED, MAPS = "steps", "pictures searched", "occlusion maps"
"""The kinds of work that take the time."""

IN_ALL = {"ilsvrc12-train": 1_281_167, "ilsvrc12-val": 50_000, "places205-val": 20_500}
"""Pictures of the published sets."""


@dataclass(frozen=True)
class Made:
    """A step of an experiment.

    work: STEPS, SEARCHED or MAPS.
    target, prior: their names; no prior where none is used.
    images: that it makes, of clips their frames, of a tuning those of all trials; or pictures searched, or maps.
    n_iters: of each, by its settings, of a tuning on average; 1 of other work.
    """

    step: str
    work: str
    target: str
    prior: str
    images: int
    n_iters: float = 1.0

    @property
    def count(self) -> float:
        """Of its kind of work: for STEPS those of single images."""
        return self.images * self.n_iters


def made_by(context: Context, step: str, objectives: Any, target: ResolvedTarget, options: Mapping[str, Any]) -> Made:
    """The step that `Context.visualize` makes with these arguments, at whatever scale."""
    prior = open_prior(options.get("prior", context.prior), context.frame_size)
    names = ("n_iters", "start_lr", "end_lr", "l2", "norm_penalty")
    numbers = {name: options[name] for name in names if name in options}
    settings = choose_settings(target, prior, options.get("start"), options.get("settings", "own"), **numbers)
    seeds = choose_seeds(options.get("seeds", 1))
    images = len(read_objectives(objectives, target)) * len(seeds) * int(getattr(target.target, "frames", 1))
    n_iters = sum(one.n_iters for one in settings)
    return Made(step, STEPS, target.name, prior.name, images, n_iters)


def plan(experiment: Experiment, arguments: Mapping[str, Any]) -> list[Made]:
    """The steps of an experiment in their order; its networks must be here, pictures need not."""
    context = Planned(experiment, experiment.models[arguments["models"]], arguments)
    experiment.run(context)
    return context.made


def totals(made: Sequence[Made]) -> list[tuple[str, str, str, int, float]]:
    """Kind of work, target, prior, images, and how often the work is done, each combination once."""
    found: dict[tuple[str, str, str], tuple[int, float]] = {}
    for one in made:
        key = one.work, one.target, one.prior
        images, count = found.get(key, (0, 0.0))
        found[key] = images + one.images, count + one.count
    return [(*key, *values) for key, values in found.items()]


def hours(entry: Mapping[str, Any]) -> float:
    """What the full run takes: its work by what each piece took in the rehearsal."""
    rates = {(work, target, prior): seconds for work, target, prior, seconds in entry["rates"]}
    return sum(rates[work, target, prior] * count for work, target, prior, _, count in entry["full"]) / 3600


@dataclass(eq=False)
class Planned(Context):
    """An experiment that is counted: each method gives arrays of the right numbers of rows, and makes nothing.

    made: the steps so far.
    """

    made: list[Made] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._draw = np.random.default_rng(0)

    @property
    def frame_size(self) -> tuple[int, int]:
        return TINY

    def visualize(self, step: str, objectives: Any, *, target: Any = None, **options: Any) -> Any:
        net = self.target if target is None else target
        self.made.append(made_by(self, step, objectives, net, options))
        frames = int(getattr(net.target, "frames", 1))
        count = self.made[-1].images // frames
        raw, activations = np.zeros((count, 3, TINY[0], frames * TINY[1]), np.float32), np.ones(count, np.float32)
        return SimpleNamespace(raw=raw, codes=np.zeros((count, WIDTH), np.float32), activations=activations)

    def tuned(self, step: str, *, target: ResolvedTarget | None = None, prior: Any = None) -> Settings:
        net, used = self.target if target is None else target, self.prior if prior is None else prior
        if self.models.judges and self.tunes:
            scale = self.arguments["scale"]
            images = TUNED_TRIALS[scale] * TUNED_ON[scale]
            self.made.append(Made(step, STEPS, net.name, used.name, images, float(np.mean(TUNED_ITERS))))
        return released()

    def neighbors(self, step: str, pictures: np.ndarray, **options: Any) -> Any:
        limit = options["limit"]
        every = sum(IN_ALL.get(name, 0) for name in self.models.pictures if name.endswith("-train"))
        self.made.append(Made(step, SEARCHED, self.target.name, "", every if limit is None else limit))
        shape = (len(options["layers"]), len(pictures), options["k"])
        distances = np.sort(1 + self._draw.random(shape), -1)
        return SimpleNamespace(
            names=range(len(pictures)),
            queries=pictures,
            distances=distances,
            places=np.zeros(shape, int),
            dataset=SimpleNamespace(name=""),
            picture=lambda space, row: pictures[0],
            searched=lambda place: pictures[0],
        )

    def occlusion(self, step: str, objectives: Sequence[str], **options: Any) -> Any:
        self.made.append(Made(step, MAPS, self.target.name, "", len(objectives) * options["k"]))
        top = SimpleNamespace(places=np.zeros((len(objectives), options["k"])), count=lambda place: options["k"])
        return SimpleNamespace(top=top, region=lambda place, rank: np.zeros((*TINY, 3), np.uint8))

    def render(self, codes: np.ndarray) -> np.ndarray:
        return np.zeros((len(codes), 3, *TINY), np.float32)

    def reconstructed(self, images: np.ndarray) -> np.ndarray:
        return images

    def random_codes(self, seeds: Sequence[int] | None = None) -> Pictures:
        from_seeds = self.seeds if seeds is None else list(seeds)
        return Pictures(np.zeros((len(self.units) * len(from_seeds), 3, *TINY), np.float32), self.units, from_seeds)

    def start(self, text: str, prior: object = None) -> Any:
        return None

    def values(self, objectives: Any, images: np.ndarray, target: ResolvedTarget | None = None) -> np.ndarray:
        count = len(read_objectives(objectives, self.target if target is None else target))
        return 1 + self._draw.random((len(images), count), np.float32)

    def layer_values(self, layers: Sequence[str], images: np.ndarray) -> dict[str, np.ndarray]:
        return {layer: self._draw.random((len(images), WIDTH), np.float32) for layer in layers}

    def features(self, images: np.ndarray, crop: Any = None, of: str = FEATURES, saved: bool = False) -> np.ndarray:
        return self._draw.random((len(images), reference(f"features, {of}").shape[1]), np.float32)

    def verdict(self, step: str, judge: str, pictures: Pictures) -> Verdict:
        shape = len(pictures.units), len(pictures.seeds)
        return Verdict(np.ones(shape, int), np.zeros(shape))

    def tabulate(
        self, step: str, units: Sequence[object], seeds: Sequence[int], columns: Mapping[str, np.ndarray]
    ) -> None:
        """Nothing is measured."""

    def own_rate(self, pictures: Pictures) -> float:
        return 0.0

    def _pictures(self, which: str) -> Dataset:
        labels = np.arange(PER_CLASS * len(self.labels)) % len(self.labels)
        return Dataset.of_arrays(which, np.zeros((len(labels), *TINY, 3), np.uint8), labels)

    @property
    def judges(self) -> dict[str, BaseJudge]:
        return {}

    def judges_of(self, target: ResolvedTarget) -> dict[str, BaseJudge]:
        return {}

    def judge(
        self, step: str, pictures: Pictures, own: str | None = None, judges: Mapping[str, BaseJudge] | None = None
    ) -> dict[str, Verdict]:
        return {}

    def kernel_distance(self, ours: Pictures, theirs: Pictures) -> Any:
        return None

    def decide(
        self, claim: str, parts: Mapping[str, Part], controls: Controls = NO_CONTROLS, *, note: str = ""
    ) -> None:
        """Nothing is decided."""

    def _grid(self, name: str, shown: Sequence[np.ndarray], captions: Sequence[str], title: str, **layout: Any) -> None:
        """Nothing is shown."""

    def _plot(self, name: str, series: Series, words: Mapping[str, Any], summary: Callable[..., Any]) -> None:
        """Nothing is shown."""

    def plot_pairs(self, name: str, series: Mapping[str, tuple[np.ndarray, np.ndarray]], **words: Any) -> None:
        """Nothing is shown."""
