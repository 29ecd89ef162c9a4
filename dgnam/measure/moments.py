"""Mean and standard deviation of each column of many rows, in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class _Part:
    """Some rows: their number, the columns' means, and the sums of squared differences from the means."""

    count: int
    mean: np.ndarray
    squares: np.ndarray

    def __add__(self, other: _Part) -> _Part:
        """Both parts' rows together, by Chan, Golub & LeVeque: Updating formulae (1979), eq. 2.1."""
        count = self.count + other.count
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.count / count)
        squares = self.squares + other.squares + delta**2 * (self.count * (other.count / count))
        return _Part(count, mean, squares)


class RunningMoments:
    """Mean and standard deviation of each column, in one pass over batches of rows and in constant memory.

    All is float64, and a batch's own moments are taken from its own mean, so that a large mean costs no digits.  Parts
    are merged with parts of about their size, as in pairwise summation: the rounding error grows with the logarithm of
    the number of rows, and there are never more parts than that logarithm to base 2.
    """

    def __init__(self) -> None:
        self._parts: list[_Part] = []

    def update(self, values: np.ndarray) -> None:
        """Add rows: (N, n) of any kind of number; n is the first batch's."""
        values = np.asarray(values, np.float64)
        if values.ndim != 2 or (self._parts and values.shape[1:] != self._parts[0].mean.shape):
            wanted = "(N, n)" if not self._parts else f"(N, {len(self._parts[0].mean)})"
            raise ValueError(f"rows of shape {values.shape} can't be added; {wanted} is needed")
        if len(values) == 0:
            return
        mean = values.mean(0)
        self._push(_Part(len(values), mean, ((values - mean) ** 2).sum(0)))

    def merge(self, other: RunningMoments) -> None:
        """Add the rows of another one, after those that are here."""
        for part in other._parts:
            self._push(part)

    def _push(self, part: _Part) -> None:
        while self._parts and self._parts[-1].count < 2 * part.count:
            part = self._parts.pop() + part
        self._parts.append(part)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that `of_arrays` goes on from: counts (p,), means (p, n) and squares (p, n) of a few parts."""
        return {
            "counts": np.array([part.count for part in self._parts], np.int64),
            "means": np.stack([part.mean for part in self._parts]),
            "squares": np.stack([part.squares for part in self._parts]),
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> RunningMoments:
        """The moments that `arrays` were taken of."""
        made = cls()
        rows = zip(arrays["counts"], arrays["means"], arrays["squares"], strict=True)
        made._parts = [_Part(int(count), mean, squares) for count, mean, squares in rows]
        return made

    @property
    def count(self) -> int:
        """How many rows there were."""
        return sum(part.count for part in self._parts)

    @property
    def mean(self) -> np.ndarray:
        """The columns' means (n,) float64."""
        return self._all().mean

    @property
    def std(self) -> np.ndarray:
        """The population's standard deviation (n,) float64: of all rows, not estimated from a sample."""
        whole = self._all()
        return np.sqrt(whole.squares / whole.count)

    def _all(self) -> _Part:
        if not self._parts:
            raise ValueError("no values have been added")
        whole = self._parts[-1]
        for part in reversed(self._parts[:-1]):
            whole = part + whole
        return whole
