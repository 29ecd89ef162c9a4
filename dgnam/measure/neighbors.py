"""Exact nearest neighbors in a stream of feature rows, in memory for one chunk of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..am.checks import whole_number
from ..errors import ArrayError
from .arrays import Floats, as_numpy, features, same_length, whole_numbers
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


def neighbors_of(rankings: list[Ranking], whole: bool = True) -> Neighbors:
    """What was found; if it should be whole, too short a stream is an error."""
    places = np.concatenate([ranking.extras["places"] for ranking in rankings])
    if whole and (places < 0).any():
        raise ArrayError(
            f"the stream has {(places >= 0).sum(1).min()} rows to compare with, and {places.shape[1]} neighbors were "
            "asked for"
        )
    return Neighbors(np.sqrt(-np.concatenate([ranking.scores for ranking in rankings])), places)


def squared_limits(within: Any, queries: int) -> Floats:
    """(queries,): the squares of the distances beyond which none are needed; None is infinity for all."""
    if within is None:
        return np.full(queries, np.inf)
    found = as_numpy(within, "within")
    if found.dtype.kind not in "fiu" or found.shape != (queries,) or not (found >= 0).all():
        raise ArrayError(f"within: a distance from 0 on for each of {queries} queries is needed, and it is {within}")
    return found.astype(np.float64) ** 2


class Queries:
    """Rows whose nearest are searched again and again, made ready once.

    They are kept also as differences from their mean: near the data's center norms are small, and so are the rounding
    errors of squared distances that are taken from norms and products.
    """

    def __init__(self, rows: Any):
        """`rows`: (Q, d); what has more dimensions is flattened."""
        self.rows = features(rows, "queries")
        self.origin = self.rows.mean(0)
        self.centered = self.rows - self.origin
        self.norms = (self.centered**2).sum(1)

    def __len__(self) -> int:
        return len(self.rows)


def nearest(queries: Any, chunks: Iterable[Any], k: int = 1, *, exclude: Any = None, within: Any = None) -> Neighbors:
    """The k nearest rows to each query, exactly: the same for any division into chunks.

    queries: (Q, d); what has more dimensions is flattened.  Or `Queries`.
    chunks: arrays (n, d) of the stream, one after the other, each used once; n may vary.
    exclude: (Q,) int, the place in the stream that a query does not see, such as its own; -1 for none.
    within: (Q,), the distance, 0 to infinity, beyond which a query needs none; fewer than k may be found then, and the
        others have the distance infinity and the place -1.  None asks for k, however far.
    """
    known = queries if isinstance(queries, Queries) else Queries(queries)
    k = whole_number("k", k, 1)
    own = np.full(len(known), -1) if exclude is None else whole_numbers(exclude, "exclude")
    same_length(queries=known.rows, exclude=own)
    limits = squared_limits(within, len(known))
    best, start = rank_of_each(len(known), k), 0
    for chunk in chunks:
        found = features(chunk, f"chunk at {start}")
        if found.shape[1] != known.rows.shape[1]:
            raise ArrayError(
                f"chunk at {start}: rows of {found.shape[1]} values, and the queries have {known.rows.shape[1]}"
            )
        _search(known, found, start, own, limits, best)
        start += len(found)
    return neighbors_of(best, whole=within is None)


def _search(
    queries: Queries, chunk: Floats, start: int, own: np.ndarray, limits: np.ndarray, best: list[Ranking]
) -> None:
    """Add a chunk's rows that may be among the nearest, by their differences, not by the rounded products.

    The differences are those of the rows as they are given, so that equal distances come out equal.

    limits: (Q,), the largest squared distance asked for.
    """
    centered, k = chunk - queries.origin, best[0].scores.shape[1]
    sizes = (centered**2).sum(1)
    step = max(1, _VALUES_AT_ONCE // len(chunk))
    for first in range(0, len(queries), step):
        part = slice(first, first + step)
        rounded = queries.norms[part, None] + sizes - 2 * queries.centered[part] @ centered.T
        slack = 2 * _SLACK * (queries.norms[part] + sizes.max()) * chunk.shape[1]
        for place in np.flatnonzero(rounded.min(1) <= limits[part] + slack):
            query, near = first + place, rounded[place]
            if start <= own[query] < start + len(chunk):
                near[own[query] - start] = np.inf
            kth = np.partition(near, k - 1)[k - 1] if k <= len(near) else np.inf
            bound = min(kth, farthest(best[query]), limits[query]) + slack[place]
            chosen = np.flatnonzero((near <= bound) & np.isfinite(near))
            if chosen.size:
                best[query].update(-_squares(queries.rows[query], chunk, chosen)[None], places=start + chosen)


def _squares(row: Floats, chunk: Floats, chosen: np.ndarray) -> Floats:
    step = max(1, _VALUES_AT_ONCE // chunk.shape[1])
    parts = [chunk[chosen[i : i + step]] - row for i in range(0, len(chosen), step)]
    return np.concatenate([(part**2).sum(1) for part in parts])
