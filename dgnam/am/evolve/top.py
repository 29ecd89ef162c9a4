"""The best codes of a search, to be measured again: the highest of many noisy scores is a lucky one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Best:
    """A code and its score in a search: of `Search.best` a single measurement, so with a noisy neuron a lucky one.

    code: (*code_shape) float32.
    generation, index: which it was, and its place there; of one that was scored several times, the first.
    """

    code: np.ndarray
    score: float
    generation: int
    index: int

    def __repr__(self) -> str:
        return f"<Best: score {self.score:.6g}, generation {self.generation}, index {self.index}>"


class TopCodes:
    """The `most` codes with the highest scores; a code that is scored several times has the mean of its scores."""

    def __init__(self, most: int):
        self._most = most
        self._scores: dict[bytes, list[float]] = {}
        self._found: dict[bytes, tuple[np.ndarray, int, int]] = {}

    def add(self, codes: np.ndarray, scores: np.ndarray, generation: int) -> None:
        """Take in a generation; NaN marks a lost trial."""
        for index in np.flatnonzero(np.isfinite(scores)):
            key = codes[index].tobytes()
            self._found.setdefault(key, (codes[index].copy(), generation, int(index)))
            self._scores.setdefault(key, []).append(float(scores[index]))
        for key in self._ranked()[self._most :]:
            del self._found[key], self._scores[key]

    def first(self, count: int) -> list[Best]:
        """The best, in order; fewer where there are no more."""
        best = []
        for key in self._ranked()[:count]:
            code, generation, index = self._found[key]
            best.append(Best(code.copy(), float(np.mean(self._scores[key])), generation, index))
        return best

    def _ranked(self) -> list[bytes]:
        """The keys by score, of equal ones the earlier first."""
        return sorted(self._scores, key=lambda key: -float(np.mean(self._scores[key])))
