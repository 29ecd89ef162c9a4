"""From settings and objectives to images and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DgnamError
from ..images import picture
from ..jobs import Job, gather
from ..objectives import Objective, Unit
from ..priors import Prior
from ..regularizers import Bounds
from ..score import ImageScore
from ..settings import Settings
from ..synthesize import synthesize
from ..targets import Target

CONTRACT = "a score takes images and their objectives, and returns a finite number for each or one for all"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What settings came to.

    scores: (N,) or (1,) float64, as the score gave them.
    activations: (N,) float32, of the images.
    images: (N, 3, h, w) float32, BGR, mean-subtracted.
    """

    settings: Settings
    scores: np.ndarray
    activations: np.ndarray
    images: np.ndarray

    @property
    def score(self) -> float:
        return float(self.scores.mean())

    def pictures(self) -> np.ndarray:
        """(N, h, w, 3) uint8, RGB."""
        return np.stack([picture(image) for image in self.images])


@dataclass(frozen=True, eq=False)
class Evaluator:
    """From settings and objectives to images and their scores.

    clip: what codes are clipped to; None leaves them free.
    seed: of the random start codes, the same for all settings, so that these alone make a difference.
    """

    target: Target
    prior: Prior
    score: ImageScore
    clip: Bounds | None
    seed: int = 0
    batch_size: int = 100
    device: str = "cpu"

    def __call__(self, settings: Settings, objectives: Sequence[Objective]) -> Evaluation:
        """Make an image for each objective, and score them; a score that fails or isn't finite is a DgnamError."""
        jobs = [Job(objective, self.seed, settings) for objective in objectives]
        batches = synthesize(
            self.target,
            self.prior,
            jobs,
            clip=self.clip,
            batch_size=self.batch_size,
            device=self.device,
            progress=False,
        )
        result = gather(batches)
        scores = self._scores(result.images, objectives)
        return Evaluation(settings, scores, result.last_activations, result.images)

    def places(self, objectives: Sequence[Objective], what: str) -> dict[Any, Objective]:
        """The objectives by what they ask of the target; none at all, a wrong one or one given twice is an error."""
        if not objectives:
            raise DgnamError(f"there are no units to {what}: give one or more")
        found: dict[Any, Objective] = {}
        for objective in objectives:
            for _, term in objective.terms:
                term.check(self.target.layer_shape(term.layer))
            place: Any = objective
            if isinstance(objective, Unit):
                place = (objective.layer, objective.offset(self.target.layer_shape(objective.layer)))
            if place in found:
                raise DgnamError(f"unit {objective} is given twice among those to {what}")
            found[place] = objective
        return found

    def _scores(self, images: np.ndarray, objectives: Sequence[Objective]) -> np.ndarray:
        try:
            values = np.asarray(self.score(images, objectives), np.float64)
        except DgnamError:
            raise
        except Exception as error:
            raise DgnamError(f"the score failed ({type(error).__name__}: {error}); {CONTRACT}") from error
        if values.shape not in ((), (len(images),), (len(images), 1)):
            raise DgnamError(f"the scores of {len(images)} images have shape {values.shape}; {CONTRACT}")
        values = values.reshape(-1)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            which = f" of {objectives[bad[0]]}" if len(values) == len(images) else ""
            raise DgnamError(f"the score{which} is {values[bad[0]]}; {CONTRACT}")
        return values
