"""What a black-box method is: its settings, and the strategy that they begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from ..regularizers.bounds import Bounds

MOST = 100_000
"""More codes than any generation has; a number beyond comes from a damaged record."""


def is_count(value: object) -> bool:
    """Whether this is a whole number that a population may have."""
    return isinstance(value, int | np.integer) and 0 < int(value) <= MOST


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a strategy begins, all of it flattened: a code is `n` numbers.

    lower, upper: (n,) float64, infinite where a code is free.
    seed: of all that the strategy draws.
    codes: (k, n) float64 within the bounds, to begin from; None for the published start, N(0, 1).
    """

    lower: np.ndarray
    upper: np.ndarray
    seed: int
    codes: np.ndarray | None = None

    @classmethod
    def of(cls, size: int, bounds: Bounds | None, seed: int, codes: np.ndarray | None) -> Origin:
        """From a search's arguments; the bounds in the code's shape, or None."""
        low, high = (-np.inf, np.inf) if bounds is None else (bounds.lower, bounds.upper)
        lower, upper = (np.array(np.broadcast_to(np.ravel(b), size), np.float64) for b in (low, high))
        flat = None if codes is None else np.clip(codes.reshape(len(codes), -1).astype(np.float64), lower, upper)
        return cls(lower, upper, seed, flat)

    @property
    def size(self) -> int:
        """How many numbers a code has."""
        return len(self.lower)


class Strategy(Protocol):
    """A population that moves.  `ask` and `tell` are called in turn; equal origins and scores give equal codes."""

    def ask(self) -> np.ndarray:
        """The codes to be scored: (population, n) float64."""
        ...

    def tell(self, scores: np.ndarray) -> None:
        """Their scores, (population,) float64, the larger the better; NaN for a lost trial, of which some are not."""
        ...

    def mean(self) -> np.ndarray:
        """The mean of the codes that it would draw next, before bounds fold them: (n,) float64 within the bounds."""
        ...


class Method(Protocol):
    """A dataclass of settings, which a search records, and so must be numbers or None.

    name: what a folder's record calls it.
    """

    name: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def begin(self, origin: Origin) -> Strategy:
        """A strategy at its first generation."""
        ...
