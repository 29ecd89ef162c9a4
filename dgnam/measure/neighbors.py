"""Exact nearest neighbors in a stream of feature rows, in memory for one chunk of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..am.checks import whole_number
from ..errors import ArrayError
from .arrays import Floats, features, same_length, whole_numbers
from .ranking import Ranking

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


def rank_of_each(queries: int, k: int) -> list[Ranking]:
    """For each query the ranking of its nearest k, by the negative of their squared distances."""
    return [Ranking(1, k) for _ in range(queries)]


def farthest(ranking: Ranking) -> float:
    """The largest squared distance that is still among the nearest k."""
    return float(-ranking.scores[0, -1])


def neighbors_of(rankings: list[Ranking]) -> Neighbors:
    """What was found; too short a stream is an error."""
    places = np.concatenate([ranking.extras["places"] for ranking in rankings])
    if (places < 0).any():
        raise ArrayError(
            f"the stream has {(places >= 0).sum(1).min()} rows to compare with, and {places.shape[1]} neighbors were "
            "asked for"
        )
    return Neighbors(np.sqrt(-np.concatenate([ranking.scores for ranking in rankings])), places)


def nearest(queries: Any, chunks: Iterable[Any], k: int = 1, *, exclude: Any = None) -> Neighbors:
    """The k nearest rows to each query, exactly: the same for any division into chunks.

    queries: (Q, d); what has more dimensions is flattened.
    chunks: arrays (n, d) of the stream, one after the other, each used once; n may vary.
    exclude: (Q,) int, the place in the stream that a query does not see, such as its own; -1 for none.
    """
    rows = features(queries, "queries")
    k = whole_number("k", k, 1)
    own = np.full(len(rows), -1) if exclude is None else whole_numbers(exclude, "exclude")
    same_length(queries=rows, exclude=own)
    origin = rows.mean(0)  # distances from near the data's center have small norms, and so small rounding errors
    rows = rows - origin
    norms = (rows**2).sum(1)
    best, start = rank_of_each(len(rows), k), 0
    for chunk in chunks:
        found = features(chunk, f"chunk at {start}")
        if found.shape[1] != rows.shape[1]:
            raise ArrayError(f"chunk at {start}: rows of {found.shape[1]} values, and the queries have {rows.shape[1]}")
        _search(rows, norms, found - origin, start, own, best)
        start += len(found)
    return neighbors_of(best)


def _search(rows: Floats, norms: Floats, chunk: Floats, start: int, own: np.ndarray, best: list[Ranking]) -> None:
    """Add a chunk's rows that may be among the nearest, by their differences, not by the rounded products."""
    sizes, k = (chunk**2).sum(1), best[0].scores.shape[1]
    step = max(1, _VALUES_AT_ONCE // len(chunk))
    for first in range(0, len(rows), step):
        part = slice(first, first + step)
        rounded = norms[part, None] + sizes - 2 * rows[part] @ chunk.T
        slack = _SLACK * (norms[part] + sizes.max()) * chunk.shape[1]
        for query, near, error in zip(range(first, first + step), rounded, slack, strict=False):
            if start <= own[query] < start + len(chunk):
                near[own[query] - start] = np.inf
            kth = np.partition(near, k - 1)[k - 1] if k <= len(near) else np.inf
            chosen = np.flatnonzero((near <= min(kth, farthest(best[query])) + 2 * error) & np.isfinite(near))
            if chosen.size:
                best[query].update(-_squares(rows[query], chunk, chosen)[None], places=start + chosen)


def _squares(row: Floats, chunk: Floats, chosen: np.ndarray) -> Floats:
    step = max(1, _VALUES_AT_ONCE // chunk.shape[1])
    parts = [chunk[chosen[i : i + step]] - row for i in range(0, len(chosen), step)]
    return np.concatenate([(part**2).sum(1) for part in parts])
