"""Score settings by a judge: how well it recognizes the classes that images were made for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..am import Objective, Unit
from ..am.score import ImageScore
from ..errors import DgnamError
from .judge import BaseJudge


def score_by_rank(judge: BaseJudge) -> ImageScore:
    """A score for class units: 1 / the rank of the unit's class, so 1 if the judge ranks it first."""

    def score(images: np.ndarray, objectives: Sequence[Objective]) -> np.ndarray:
        classes = _classes(objectives)
        return 1.0 / judge.rank(images, classes).ranks

    return score


def score_by_probability(judge: BaseJudge) -> ImageScore:
    """A score for class units: the softmax of the judge's scores at the unit's class.

    It distinguishes settings whose images are all ranked first, which is common for few units.
    """

    def score(images: np.ndarray, objectives: Sequence[Objective]) -> np.ndarray:
        classes = _classes(objectives)
        return np.exp(judge.rank(images, classes).log_probability)

    return score


def _classes(objectives: Sequence[Objective]) -> list[int]:
    others = [str(objective) for objective in objectives if not isinstance(objective, Unit)]
    if others:
        raise DgnamError(f"a judge scores classes, and {others[0]} is not a single unit")
    return [objective.index for objective in objectives if isinstance(objective, Unit)]


SCORES = {"probability": score_by_probability, "rank": score_by_rank}
