"""The best of many candidates that come in batches, for many rankings at once, in memory that doesn't grow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import FormatError


class Ranking:
    """The k highest scores of each of several rows, in falling order, each with the candidate that has it.

    scores: (rows, k) float64, -inf where there are fewer candidates.
    extras: by name (rows, k) int64, what else is known of each, such as its place in a dataset; -1 where there is none.

    Of equal scores the earlier candidate comes first.
    """

    def __init__(self, rows: int, k: int, extras: tuple[str, ...] = ("places",)):
        self.scores = np.full((rows, k), -np.inf)
        self.extras = {name: np.full((rows, k), -1, np.int64) for name in extras}

    def update(self, scores: np.ndarray, **extras: np.ndarray) -> None:
        """Take in candidates: scores (rows, n), and each extra (rows, n), or (n,) where all rows have the same."""
        k = self.scores.shape[1]
        joined = np.concatenate([self.scores, scores], 1)
        order = np.argsort(-joined, axis=1, kind="stable")[:, :k]
        self.scores = np.take_along_axis(joined, order, 1)
        for name, old in self.extras.items():
            new = np.broadcast_to(extras[name], scores.shape)
            self.extras[name] = np.take_along_axis(np.concatenate([old, new], 1), order, 1)

    def arrays(self) -> dict[str, np.ndarray]:
        """The state, to go on from with `restore`."""
        return {"scores": self.scores, **self.extras}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from a state; one of another ranking is a FormatError."""
        for name in ("scores", *self.extras):
            if name not in arrays or arrays[name].shape != self.scores.shape:
                found = "no array" if name not in arrays else f"an array {arrays[name].shape}"
                raise FormatError(f"the state of a ranking has {found} '{name}', and needs {self.scores.shape}")
        self.scores = np.asarray(arrays["scores"], np.float64)
        self.extras = {name: np.asarray(arrays[name], np.int64) for name in self.extras}
