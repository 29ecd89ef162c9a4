"""A contact sheet: the best and the worst of many candidates, each with its pictures and what it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DgnamError
from .caption import PAPER
from .grid import labeled_grid

_GAP = 2
"""Pixels between the pictures of a candidate."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """One of those to be compared, such as the settings of a search's trial.

    score: the larger the better.
    pictures: (n, h, w, 3) uint8 RGB, what it made; all candidates' are of the same objectives, in the same order.
    lines: what is written under them.
    """

    score: float
    pictures: np.ndarray
    lines: tuple[str, ...]


def contact_sheet(
    candidates: Sequence[Candidate],
    *,
    k: int = 4,
    columns: int | None = None,
    title: str = "",
    note: str = "",
    scale: int = 1,
    text_size: int = 12,
    count: int | None = None,
) -> np.ndarray:
    """The `k` best over the `k` worst, the best first and the worst last, (H, W, 3) uint8 RGB.

    Of candidates with the same score the earlier one comes first; with fewer than 2 * `k` each is shown once.
    count: how many there are in all, where those that aren't shown are left out.
    columns: pictures in a row of each candidate; about a square of them where None.
    title, note: above and below; scale: how many times as large the pictures are shown.
    """
    shown = _ranked(candidates)
    if k < 1:
        raise DgnamError(f"k {k}: give how many of the best and of the worst to show, 1 or more")
    best, worst = shown[:k], shown[max(k, len(shown) - k) :]
    several = f"best {len(best)} of {len(shown) if count is None else count}"
    heading = f"{title}: the {several}" if title else f"The {several}"
    parts = [_row(best, heading, "" if worst else note, columns, scale, text_size)]
    if worst:
        parts.append(_row(worst, f"The worst {len(worst)}", note, columns, scale, text_size))
    return _stacked(parts)


def _ranked(candidates: Sequence[Candidate]) -> list[Candidate]:
    if not candidates:
        raise DgnamError("a contact sheet needs at least one candidate")
    wanted = candidates[0].pictures.shape
    for number, candidate in enumerate(candidates):
        shape, kind = candidate.pictures.shape, candidate.pictures.dtype
        if len(shape) != 4 or shape[3] != 3 or kind != np.uint8 or shape != wanted or candidate.pictures.size == 0:
            raise DgnamError(
                f"candidate {number} has pictures {kind} of shape {shape}; all have (n, h, w, 3) uint8 RGB of one "
                f"shape, and the first {wanted}"
            )
        if math.isnan(candidate.score):
            raise DgnamError(f"candidate {number} has the score NaN, and can't be ranked")
    return sorted(candidates, key=lambda candidate: -candidate.score)


def _row(
    candidates: Sequence[Candidate], title: str, note: str, columns: int | None, scale: int, text_size: int
) -> np.ndarray:
    tiles = [_tiled(candidate.pictures, columns) for candidate in candidates]
    labels = ["\n".join(candidate.lines) for candidate in candidates]
    return labeled_grid(
        tiles, labels, columns=len(tiles), title=title, note=note, scale=scale, text_size=text_size, gap=8
    )


def _tiled(pictures: np.ndarray, columns: int | None) -> np.ndarray:
    """One candidate's pictures side by side, in rows."""
    count, height, width = pictures.shape[:3]
    across = min(count, math.ceil(math.sqrt(count)) if columns is None else max(1, columns))
    down = -(-count // across)
    tile = np.full((down * (height + _GAP) - _GAP, across * (width + _GAP) - _GAP, 3), PAPER, np.uint8)
    for number, picture in enumerate(pictures):
        y, x = (number // across) * (height + _GAP), (number % across) * (width + _GAP)
        tile[y : y + height, x : x + width] = picture
    return tile


def _stacked(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures one below the other, on paper as wide as the widest."""
    width = max(part.shape[1] for part in parts)
    padded = []
    for part in parts:
        sheet = np.full((part.shape[0], width, 3), PAPER, np.uint8)
        sheet[:, : part.shape[1]] = part
        padded.append(sheet)
    return np.concatenate(padded)
