"""What an experiment makes: its networks, units and seeds, and steps kept in its folder.

A step is a run in a folder of the experiment's own, so that an experiment that was killed is resumed in the middle of
it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dgnam import zoo
from dgnam.am import Start, Unit
from dgnam.am.gray import is_gray
from dgnam.api.neighbors import PictureNeighbors, neighbors
from dgnam.api.occlusion import Occlusion, occlusion
from dgnam.api.pictures import HELD_OUT, TRAINING, open_pictures, picture_preprocessing
from dgnam.api.priors import ResolvedPrior, open_prior
from dgnam.api.render import random_codes, render
from dgnam.api.result import Visualization
from dgnam.api.starts import open_start
from dgnam.api.targets import ResolvedTarget, joint, open_target
from dgnam.api.visualize import read_objectives, visualize
from dgnam.data.dataset import Dataset
from dgnam.data.preprocessing import center_crop, preprocess
from dgnam.errors import DgnamError
from dgnam.measure.layer_codes import LayerCodes
from dgnam.measure.unit_values import unit_values
from dgnam.runs import Run
from dgnam.runs.record import RECORD

from .experiment import Experiment, Models, Size
from .pictures import Pictures
from .reconstructions import BATCH, reconstructions
from .reference import image_sets


@dataclass(eq=False)
class Making:
    """An experiment that makes its pictures.

    begun: the experiment's own run, once it has begun.
    """

    experiment: Experiment
    models: Models
    arguments: Mapping[str, Any]
    begun: Run | None = None

    @property
    def run(self) -> Run:
        """Where the steps are kept."""
        assert self.begun is not None
        return self.begun

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
        return open_target(asked, clips=self.experiment.clips, **own)

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
        return open_target(self.models.others[part], clips=self.experiment.clips)

    def other_prior(self, part: str) -> ResolvedPrior:
        """The network that plays this part, as a prior."""
        return open_prior(self.models.others[part], self.frame_size)

    def with_matching_units(self, name: str, target: ResolvedTarget) -> tuple[ResolvedTarget, list[int]]:
        """Another network, shown images of the experiment's size resized to its own, and its units of the same classes.

        name: what its layers are called by, as in `name.fc8`.
        """
        keys = [label.key for label in self.target.classes[0].labels]
        theirs = [label.key for label in target.classes[0].labels]
        return joint({name: target}, self.frame_size), [theirs.index(keys[unit]) for unit in self.units]

    @cached_property
    def units(self) -> list[int]:
        """The units asked for, or the experiment's at this scale, evenly spread; others than there are are an error.

        A target in place of the experiment's that has too few units for those of the figure shows all.
        """
        wanted, count, first = self.arguments["units"], len(self.labels), self.experiment.first_units
        if wanted is None:
            figure = self.models.units
            usual = range(count) if figure is None or max(figure) >= count else figure
            return evenly(list(usual), self.size.units)
        if len(set(wanted)) < len(wanted):
            raise DgnamError(f"units {', '.join(map(str, wanted[:3]))}, …: a unit is given twice")
        most = count if first is None else min(first, count)
        outside = [str(unit) for unit in wanted if not 0 <= unit < most]
        if outside or not wanted:
            shown = ", ".join(outside[:3]) + (", …" if len(outside) > 3 else "")
            has = (
                f"{self.layer} of '{self.target.name}' has units" if most == count else f"{self.experiment.name} takes"
            )
            raise DgnamError(f"units {shown}: {has} 0 to {most - 1}")
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

    @cached_property
    def knows_classes(self) -> bool:
        """Whether the units of the target's scores are the classes of the experiment's own target, in their order."""
        own, net = [label.key for label in zoo.get(self.models.target).labels()], self.target.target
        return any(
            [label.key for label in classes.labels] == own
            for classes in self.target.classes
            if classes.belong_to(self.target.scores, net.layers(), net.layer_shape)
        )

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

    def random_codes(self, seeds: Sequence[int] | None = None) -> Pictures:
        """A random code for each unit and seed through the prior: the control without a search."""
        from_seeds = self.seeds if seeds is None else list(seeds)
        codes = [random_codes(self.prior, len(self.labels), seed)[self.units] for seed in from_seeds]
        arranged = np.stack(codes, 1).reshape(-1, *codes[0].shape[1:])
        return Pictures(self.render(arranged), self.units, from_seeds)

    def render(self, codes: np.ndarray) -> np.ndarray:
        """(N, 3, h, w) float32: what the target sees of the prior's images of codes."""
        gray, device = is_gray(self.target.target), self.arguments["device"]
        return render(self.prior, codes, self.frame_size, gray=gray, device=device)

    def reconstructed(self, images: np.ndarray) -> np.ndarray:
        """(N, 3, h, w) float32: what the prior makes of its own encoder's codes of images of the same form."""
        return reconstructions(self.prior, images, self.arguments["device"])

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


def evenly(units: Sequence[int], most: int | None) -> list[int]:
    """At most so many of the units, evenly spread, those at even places and those at odd ones as well as all.

    By the units of odd index the outside judge judges, and classes are in an order.
    """
    count = len(units)
    if most is None or most >= count:
        return list(units)
    if 2 * most > count:
        left_out = evenly(range(count), count - most)
        return [unit for place, unit in enumerate(units) if place not in left_out]
    pairs = np.linspace(0, count // 2 - 1, most).round().astype(int)
    return [units[place] for place in 2 * pairs + np.arange(most) % 2]


def labels_of(target: ResolvedTarget) -> list[str]:
    """The names of a target's classes."""
    count = target.target.layer_shape(target.scores)[0]
    return [target.caption(Unit(target.scores, unit)) for unit in range(count)]
