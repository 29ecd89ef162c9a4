"""Nearest pictures in pixels, whatever small shift or mirroring (M11).

A copy that is moved by a few pixels or mirrored lies far away in plain pixel distance.  So the distance of two pictures
is the least over crops of the first at all shifts, itself and mirrored, from the central crop of the second.

The search is exact.  Sums over the cells of a coarse grid, each over the root of its size, are orthonormal projections,
so their distance is at most that of the pictures; pictures that are too far in it are not compared in full.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..am.checks import whole_number
from ..errors import ArrayError
from .arrays import Floats, pictures
from .neighbors import Neighbors, farthest, neighbors_of, rank_of_each, squared_limits
from .ranking import Ranking

_GRIDS = (14, 28)
"""Cells along each side, the coarsest grid first; then all pixels."""
_SLACK = 1e-5
"""Bound on the relative error of a coarse squared distance, from norms and products in float32."""


def nearest_pictures(
    queries: Any, chunks: Iterable[Any], k: int = 1, *, shift: int = 3, mirror: bool = True, within: Any = None
) -> Neighbors:
    """The k nearest pictures to each query; distances are root mean squares of differences, 0 to 255 gray levels.

    queries: pictures (Q, H, W, 3) uint8.
    chunks: arrays (n, H, W, 3) uint8 of the stream, one after the other, each used once; n may vary, and some
        thousands are fastest.
    shift: the largest shift of a query in either direction, in pixels; the outer `shift` pixels of the stream's
        pictures are not compared.
    mirror: compare the mirrored query too.
    within: (Q,), as `nearest` takes it.
    """
    shown = pictures(queries, "queries")
    k, shift = whole_number("k", k, 1), whole_number("shift", shift, 0)
    height, width = shown.shape[1] - 2 * shift, shown.shape[2] - 2 * shift
    if height < 1 or width < 1:
        raise ArrayError(f"shift {shift}: pictures of {shown.shape[1]}x{shown.shape[2]} have no center left")
    values = height * width * 3
    limits = _no_less(squared_limits(within, len(shown)) * values)
    best, start = rank_of_each(len(shown), k), 0
    for chunk in chunks:
        found = pictures(chunk, f"chunk at {start}")
        if found.shape[1:] != shown.shape[1:]:
            raise ArrayError(f"chunk at {start}: pictures of {found.shape[1:]}, and the queries are {shown.shape[1:]}")
        center = found[:, shift : shift + height, shift : shift + width]
        coarse = [_cells(center, 0, grid)[:, 0] for grid in _GRIDS]
        for picture, ranking, limit in zip(shown, best, limits, strict=True):
            sides = np.stack([picture, picture[:, ::-1]] if mirror else [picture])
            _search(sides, center, coarse, start, shift, limit, ranking)
        start += len(found)
    result = neighbors_of(best, whole=within is None)
    return Neighbors(result.distances / np.sqrt(values), result.places)


def _no_less(squares: np.ndarray) -> np.ndarray:
    """Squares of rounded roots, made no less than the whole numbers that these are of."""
    return np.where(np.isfinite(squares), np.ceil(squares * (1 + 1e-12)), squares)


def _search(
    sides: np.ndarray,
    center: np.ndarray,
    coarse: list[np.ndarray],
    start: int,
    shift: int,
    limit: float,
    ranking: Ranking,
) -> None:
    """Add the pictures of a chunk, its central crops (n, h, w, 3), that may be among the query's nearest.

    limit: the largest squared distance asked for.
    """
    bound, k = min(limit, farthest(ranking)), ranking.scores.shape[1]
    lower = _lower(_variants(sides, shift, _GRIDS[0]), coarse[0])
    likely = np.argsort(lower, kind="stable")[:k]
    likely = likely[lower[likely] <= bound]
    if not likely.size:
        return
    exact, squares = _variants(sides, shift, None), np.full(len(center), np.inf)
    # The likely nearest narrow the bound for the others.
    squares[likely] = _least(exact, center[likely])
    bound = min(bound, squares[likely].max() if len(likely) == k else np.inf)
    chosen = np.setdiff1d(np.flatnonzero(lower <= bound), likely)
    for grid, rows in zip(_GRIDS[1:], coarse[1:], strict=True):
        if chosen.size:
            chosen = chosen[_lower(_variants(sides, shift, grid), rows[chosen]) <= bound]
    squares[chosen] = _least(exact, center[chosen])
    found = np.flatnonzero(squares <= bound)
    ranking.update(-squares[found][None], places=start + found)


def _variants(sides: np.ndarray, shift: int, grid: int | None) -> Floats:
    """(variants, d): a query and its mirror image at all shifts, as `_cells` has them."""
    found = _cells(sides, shift, grid)
    return found.reshape(-1, found.shape[2])


def _lower(variants: np.ndarray, rows: np.ndarray) -> Floats:
    """(m,): no more than the least squared distance of each of the pictures behind `rows` from any variant."""
    norms, sizes = ((values.astype(np.float64) ** 2).sum(1) for values in (variants, rows))
    squares = (norms[:, None] - 2 * (variants @ rows.T)).min(0) + sizes
    return np.asarray(squares - _SLACK * (norms.max() + sizes), np.float64)


def _least(variants: Floats, center: np.ndarray) -> Floats:
    """(m,): the least squared distance of pictures (m, h, w, 3) uint8 from any of the variants (V, d).

    All are whole numbers below 2^53, so that float64 is exact in any order.
    """
    rows = center.reshape(len(center), variants.shape[1]).astype(np.float64)
    squares = (variants**2).sum(1)[:, None] - 2 * (variants @ rows.T)
    return np.asarray(squares.min(0) + (rows**2).sum(1), np.float64)


def _cells(shown: np.ndarray, shift: int, grid: int | None) -> np.ndarray:
    """Of pictures (N, H, W, 3), the crops at all (2 shift + 1)² shifts as rows: (N, shifts, d).

    grid: sums of pixel - 128 over grid x grid cells of a crop, each over the root of its size, float32; None for the
        pixels themselves, float64.
    """
    count, height, width, _ = shown.shape
    sides = height - 2 * shift, width - 2 * shift
    edges = [np.linspace(0, side, (side if grid is None else min(grid, side)) + 1).astype(np.intp) for side in sides]
    sums = np.zeros((count, height + 1, width + 1, 3), np.int64)
    sums[:, 1:, 1:] = shown.cumsum(1, np.int64).cumsum(2)
    offsets = np.arange(2 * shift + 1)[:, None]
    cells = np.diff(sums[:, offsets + edges[0]], axis=2)  # N, shifts down, rows, W + 1, 3
    cells = np.diff(cells[:, :, :, offsets + edges[1]], axis=4).transpose(0, 1, 3, 2, 4, 5)
    areas = np.outer(np.diff(edges[0]), np.diff(edges[1]))[..., None]
    found = cells.astype(np.float64) if grid is None else ((cells - 128 * areas) / np.sqrt(areas)).astype(np.float32)
    return found.reshape(count, len(offsets) ** 2, -1)
