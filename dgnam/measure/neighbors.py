"""Exact nearest neighbors in a stream of feature rows, in memory for one chunk of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..am.checks import whole_number
from ..errors import ArrayError
from .arrays import Floats, as_numpy, features, same_length

_VALUES_AT_ONCE = 1 << 23
_SLACK = 1e-12
"""Bound on the relative error of a squared distance from norms and products in float64."""


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The nearest k rows of each query, the nearest first; of equally near ones, the first in the stream.

    distances: (Q, k) float64, Euclidean.
    places: (Q, k) int64, each row's place in the stream.
    """

    distances: Floats
    places: np.ndarray


class RunningNearest:
    """The nearest k of all candidates so far, for each of `queries` queries.

    squares: (Q, k) squared distances, ascending, infinite where there are fewer candidates.
    places: (Q, k) places in the stream, -1 where there are fewer.
    """

    def __init__(self, queries: int, k: int):
        self.squares = np.full((queries, k), np.inf)
        self.places = np.full((queries, k), -1, np.int64)

    @property
    def bound(self) -> Floats:
        """(Q,): the largest squared distance that is still among the nearest k."""
        return self.squares[:, -1]

    def add(self, query: int, squares: np.ndarray, places: np.ndarray) -> None:
        """Add candidates of one query: their squared distances (m,) and places in the stream (m,)."""
        both = np.concatenate([self.squares[query], squares]), np.concatenate([self.places[query], places])
        order = np.lexsort((both[1], both[0]))[: self.squares.shape[1]]
        # Places that are still empty are infinitely far, and so sorted last.
        self.squares[query], self.places[query] = both[0][order], both[1][order]

    def result(self) -> Neighbors:
        """The neighbors; too short a stream is an error."""
        if (self.places < 0).any():
            count, k = int((self.places >= 0).sum(1).min()), self.squares.shape[1]
            raise ArrayError(f"the stream has {count} rows to compare with, and {k} neighbors were asked for")
        return Neighbors(np.sqrt(self.squares), self.places)


def nearest(queries: Any, chunks: Iterable[Any], k: int = 1, *, exclude: Any = None) -> Neighbors:
    """The k nearest rows to each query, exactly: the same for any division into chunks.

    queries: (Q, d); what has more dimensions is flattened.
    chunks: arrays (n, d) of the stream, one after the other, each used once; n may vary.
    exclude: (Q,) int, the place in the stream that a query does not see, such as its own; -1 for none.
    """
    rows = features(queries, "queries")
    k = whole_number("k", k, 1)
    own = np.full(len(rows), -1) if exclude is None else as_numpy(exclude, "exclude")
    same_length(queries=rows, exclude=own)
    origin = rows.mean(0)  # distances from near the data's center have small norms, and so small rounding errors
    rows = rows - origin
    norms = (rows**2).sum(1)
    best, start = RunningNearest(len(rows), k), 0
    for chunk in chunks:
        found = features(chunk, f"chunk at {start}")
        if found.shape[1] != rows.shape[1]:
            raise ArrayError(f"chunk at {start}: rows of {found.shape[1]} values, and the queries have {rows.shape[1]}")
        _search(rows, norms, found - origin, start, own, best)
        start += len(found)
    return best.result()


def _search(rows: Floats, norms: Floats, chunk: Floats, start: int, own: np.ndarray, best: RunningNearest) -> None:
    """Add a chunk's rows that may be among the nearest, by their differences, not by the rounded products."""
    sizes, k = (chunk**2).sum(1), best.squares.shape[1]
    step = max(1, _VALUES_AT_ONCE // len(chunk))
    for first in range(0, len(rows), step):
        part = slice(first, first + step)
        rounded = norms[part, None] + sizes - 2 * rows[part] @ chunk.T
        slack = _SLACK * (norms[part] + sizes.max()) * chunk.shape[1]
        for query, near, error in zip(range(first, first + step), rounded, slack, strict=False):
            if start <= own[query] < start + len(chunk):
                near[own[query] - start] = np.inf
            kth = np.partition(near, k - 1)[k - 1] if k <= len(near) else np.inf
            chosen = np.flatnonzero((near <= min(kth, best.bound[query]) + 2 * error) & np.isfinite(near))
            if chosen.size:
                best.add(query, _squares(rows[query], chunk, chosen), start + chosen)


def _squares(row: Floats, chunk: Floats, chosen: np.ndarray) -> Floats:
    step = max(1, _VALUES_AT_ONCE // chunk.shape[1])
    parts = [chunk[chosen[i : i + step]] - row for i in range(0, len(chosen), step)]
    return np.concatenate([(part**2).sum(1) for part in parts])
