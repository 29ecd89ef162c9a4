"""What `evolve` gives back: the best image of each search, its mean code's, and what both score when measured again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..am.evolve import Measured, Search
from ..am.evolve.remeasure import best_of
from .result import Visualization

MOMENTS = ("pictures", "lost", "best", "mean", "standard_deviation")
"""What is kept of a generation's scores: how many pictures and lost trials, and the moments of the rest."""


@dataclass(frozen=True, eq=False)
class SearchEnd:
    """What a search came to.

    code: the best one (*code_shape) float32, and its score: regressed, where it was measured again.
    mean_code: the mean of what it would draw next.
    measured: the codes that were measured again, by name.
    generations: `MOMENTS` of each, (generations, 5) float64.
    """

    code: np.ndarray
    score: float
    mean_code: np.ndarray
    measured: Mapping[str, Measured]
    generations: np.ndarray

    @classmethod
    def of(cls, search: Search, measured: Mapping[str, Measured]) -> SearchEnd:
        again = best_of(measured)
        assert search.best is not None
        code, score = (search.best.code, search.best.score) if again is None else (again.code, again.regressed)
        return cls(code, score, search.mean_code, measured, moments(search.scores))

    @property
    def best(self) -> list[float]:
        """The best score of each generation."""
        return self.generations[:, MOMENTS.index("best")].tolist()


def moments(generations: Sequence[np.ndarray]) -> np.ndarray:
    """`MOMENTS` of the scores of generations, (generations, 5) float64; NaN marks a lost trial."""
    rows = []
    for scores in generations:
        known = scores[np.isfinite(scores)]
        deviation = known.std(ddof=1) if len(known) > 1 else np.nan
        rows.append([len(scores), len(scores) - len(known), known.max(), known.mean(), deviation])
    return np.array(rows, np.float64).reshape(-1, len(MOMENTS))


class Evolution(Visualization):
    """The best images of searches.

    Where the best codes were measured again, the one with the highest new mean is shown, and `activations` are the
    regressed estimates of what they score; otherwise the best of the search, with its score there, which of a noisy
    neuron is a lucky one.

    remeasured: of each search the codes that were measured again, by name: "mean", "best-1", …; see `Measured`.
    mean_images, mean_codes: of each search the picture (N, H, W, 3) uint8 RGB and the code (N, *code_shape) float32 of
        the mean of what it would draw next, which no single measurement decides.
    generations: (N, generations, 5) float64, of each generation how many pictures and lost trials it has, its best and
        mean score and their standard deviation.
    """

    def __init__(
        self,
        *given: Any,
        remeasured: Sequence[Mapping[str, Measured]],
        mean_images: np.ndarray,
        mean_codes: np.ndarray,
        generations: np.ndarray,
        **named: Any,
    ):
        super().__init__(*given, **named)
        self.remeasured, self.generations = remeasured, generations
        self.mean_images, self.mean_codes = mean_images, mean_codes

    @property
    def best(self) -> list[Measured | None]:
        """Of each search the best code as it was measured again; None where none was."""
        return [best_of(one) for one in self.remeasured]

    @property
    def mean_traces(self) -> np.ndarray:
        """(N, generations) float64, the mean score of each generation."""
        return self.generations[..., MOMENTS.index("mean")]
