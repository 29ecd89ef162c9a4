"""Trials: settings drawn by Optuna, and what each came to, a chunk of a run each.

What is drawn for a trial follows from the seed and the trials before it, however often a tuning was interrupted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from PIL import Image

from ...errors import FormatError
from ...runs import Run
from ..settings import Settings
from .evaluator import Evaluation
from .space import TuningSpace

LARGEST_PICTURE = 112
"""Pixels: larger pictures are kept in this size, enough for a contact sheet."""

SAMPLERS = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
"""random: as the paper searched; tpe: Tree-structured Parzen Estimators, which learn from the trials before."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A finished trial.

    number: from 0.
    drawn: the value of each range of the space, in its order.
    scores: one for each objective, or one in all where the score gave one.
    activation: the mean of the objectives' last activations.
    held: its pictures, or the run that has them in the trial's chunk.
    """

    number: int
    settings: Settings
    drawn: tuple[float, ...]
    scores: tuple[float, ...]
    activation: float
    held: np.ndarray | Run

    @property
    def score(self) -> float:
        """The mean of the scores."""
        return float(np.mean(self.scores))

    @property
    def pictures(self) -> np.ndarray:
        """(n, h, w, 3) uint8 RGB: a picture for each objective, at most 112 pixels wide and high."""
        return self.held if isinstance(self.held, np.ndarray) else self.held.load(self._chunk)["pictures"]

    def arrays(self) -> dict[str, np.ndarray]:
        """What a chunk holds of it."""
        values = {"drawn": self.drawn, "scores": self.scores, "activation": (self.activation,)}
        return {**{name: np.array(value, np.float64) for name, value in values.items()}, "pictures": self.pictures}

    def saved(self, run: Run) -> Trial:
        """The trial once it is a chunk of `run`, which then holds its pictures."""
        run.save(self._chunk, self.arrays())
        return replace(self, held=run)

    @property
    def _chunk(self) -> str:
        return trial_chunk(self.number)


def trial_chunk(number: int) -> str:
    """The name of a trial's chunk."""
    return f"{number:05d}"


def read_trial(run: Run, number: int, space: TuningSpace) -> Trial:
    """The trial that a chunk of `run` holds."""
    return replace(trial_of_arrays(number, run.load(trial_chunk(number)), space, f"{run.path}: "), held=run)


def trial_of_arrays(number: int, arrays: Mapping[str, np.ndarray], space: TuningSpace, where: str = "") -> Trial:
    """The trial that a chunk holds; a FormatError that begins with `where` for anything else."""
    if not _is_trial(arrays, space):
        raise FormatError(f"{where}chunk '{trial_chunk(number)}' is not a trial of this tuning")
    drawn, scores = (tuple(float(value) for value in arrays[key]) for key in ("drawn", "scores"))
    settings = space.settings(dict(zip(space.ranges, drawn, strict=True)))
    return Trial(number, settings, drawn, scores, float(arrays["activation"][0]), arrays["pictures"])


def _is_trial(arrays: Mapping[str, np.ndarray], space: TuningSpace) -> bool:
    """Whether a chunk holds what `Trial.save` writes."""
    nothing = np.zeros(0)
    drawn, scores, activation, pictures = (
        arrays.get(key, nothing) for key in ("drawn", "scores", "activation", "pictures")
    )
    ranges = list(space.ranges.values())
    return (
        drawn.shape == (len(ranges),)
        and all(low <= value <= high for value, (low, high, _) in zip(drawn, ranges, strict=True))
        and (scores.ndim, activation.shape) == (1, (1,))
        and scores.size > 0
        and bool(np.isfinite(scores).all())
        and (pictures.ndim, pictures.shape[3:]) == (4, (3,))
        and pictures.dtype == np.uint8
        and pictures.size > 0
    )


def made_trial(number: int, drawn: Sequence[float], found: Evaluation) -> Trial:
    """A trial from what its settings came to."""
    small = []
    for pixels in found.pictures():
        image = Image.fromarray(pixels)
        image.thumbnail((LARGEST_PICTURE, LARGEST_PICTURE))
        small.append(np.asarray(image))
    scores, activation = tuple(map(float, found.scores)), float(found.activations.mean())
    return Trial(number, found.settings, tuple(drawn), scores, activation, np.stack(small))


class Draws:
    """The values of one trial after the other, one for each range of the space.

    Those of a trial follow from its number, the seed and, with "tpe", from the trials before, all of which it looks at.
    """

    def __init__(self, space: TuningSpace, seed: int, sampler: str):
        self._space, self._seed, self._sampler = space, seed, sampler
        self._distributions, self._study, self._asked = _distributions(space), _new_study(), -1

    def draw(self, number: int) -> tuple[float, ...]:
        """Trial `number`, after those before have been told."""
        drawn_from = int(np.random.SeedSequence([self._seed, number]).generate_state(1)[0])
        if self._sampler == "random":
            self._study = _new_study()  # which would only grow
        self._study.sampler, self._asked = SAMPLERS[self._sampler](seed=drawn_from), number
        params = self._study.ask(fixed_distributions=self._distributions).params
        return tuple(float(params[name]) for name in self._space.ranges)

    def tell(self, trial: Trial) -> None:
        """What a trial came to, drawn here or kept from an earlier time."""
        if self._sampler == "random":
            return
        if trial.number == self._asked:
            self._study.tell(trial.number, trial.score)
            return
        values: dict[str, Any] = dict(zip(self._space.ranges, trial.drawn, strict=True))
        values["n_iters"] = int(values["n_iters"])
        kept = optuna.trial.create_trial(params=values, distributions=self._distributions, value=trial.score)
        self._study.add_trial(kept)


def _new_study() -> optuna.Study:
    with _quiet():
        return optuna.create_study(direction="maximize")


def _distributions(space: TuningSpace) -> dict[str, BaseDistribution]:
    found: dict[str, BaseDistribution] = {}
    for name, (low, high, log) in space.ranges.items():
        if name == "n_iters":
            found[name] = IntDistribution(int(low), int(high), log=log)
        else:
            found[name] = FloatDistribution(low, high, log=log)
    return found


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Optuna tells of each study that it makes."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
