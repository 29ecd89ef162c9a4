"""What a projected generator is trained on, and for; `projected_generator.py` trains it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import DgnamError


@dataclass(frozen=True)
class Comparison:
    """A fixed net that compares, and whose features the heads judge.

    model: its name in the zoo.
    layers: the layers that pictures are compared at; of each the first top as the whole pass leaves it.
    heads: those of them, with positions, that have a head.
    weight: of the comparison.
    shrink: how many times smaller the net sees the pictures, each pixel a mean of `shrink` x `shrink`; the window that
        it sees is as many times larger.
    """

    model: str
    layers: tuple[str, ...]
    heads: tuple[str, ...] = ()
    weight: float = 1.0
    shrink: int = 1

    def __post_init__(self) -> None:
        if self.shrink < 1:
            raise DgnamError(f"comparator '{self.model}': shrink {self.shrink} must be 1 or more")
        if not self.layers:
            raise DgnamError(f"comparator '{self.model}': give a layer to compare at, or more")
        unknown = [layer for layer in self.heads if layer not in self.layers]
        if unknown:
            raise DgnamError(f"heads are at layers that are compared, and {', '.join(unknown)} isn't")
        _check_weights(asdict(self), "weight")

    @property
    def name(self) -> str:
        """The model's, with the share of the pictures' size at which it sees them."""
        return self.model if self.shrink == 1 else f"{self.model} at 1/{self.shrink}"


@dataclass(frozen=True)
class ProjectedRecipe:
    """What a generator is trained on, and for.

    source: the training pictures, as `open_dataset` takes them; they are mirrored at random.
    code_layer: the layer of E whose value after the whole forward pass is the code.
    image, code, adversarial, pixels: the weights of the losses.
    discriminator_rate: the heads' learning rate, in shares of the generator's.
    average: the share of the moving average that stays with each update.
    width: channels of the heads.
    cooldown: the share of the iterations, the last ones, over which the learning rates fall to zero.
    comparator_layers: of E, where a card measures the distance to the pictures' features.
    """

    source: str
    code_layer: str
    comparisons: tuple[Comparison, ...]
    batch_size: int = 32
    image: float = 0.3
    code: float = 0.5
    adversarial: float = 0.1
    pixels: float = 0.05
    discriminator_rate: float = 1.0
    average: float = 0.999
    width: int = 64
    cooldown: float = 0.25
    comparator_layers: tuple[str, ...] = ("pool5",)

    def __post_init__(self) -> None:
        names = [comparison.name for comparison in self.comparisons]
        if len(set(names)) < len(names):
            raise DgnamError(f"a comparator is given twice at one size: {', '.join(names)}")
        if not any(comparison.heads for comparison in self.comparisons):
            raise DgnamError("a projected generator's recipe needs a comparison, or more, with heads")
        if not self.comparator_layers:
            raise DgnamError("a generator's recipe needs one of comparator_layers at least, such as pool5")
        if self.batch_size < 1 or self.width < 1:
            raise DgnamError(f"batch_size {self.batch_size} and width {self.width} must be positive")
        if not (0 <= self.average < 1 and 0 <= self.cooldown <= 1):
            raise DgnamError(f"average {self.average} must be from 0 to below 1, and cooldown {self.cooldown} 0 to 1")
        _check_weights(asdict(self), "image", "code", "adversarial", "pixels", "discriminator_rate")

    def as_dict(self) -> dict[str, Any]:
        """For a run's record, without a `shrink` of 1: records of trainings begun before there was one go on."""
        found = asdict(self)
        for comparison in found["comparisons"]:
            if comparison["shrink"] == 1:
                del comparison["shrink"]
        return found


def _check_weights(values: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not (math.isfinite(values[name]) and values[name] >= 0):
            raise DgnamError(f"{name} is {values[name]}; it must be a number of at least 0")
