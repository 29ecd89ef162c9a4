"""A sheet of a run's pictures; of a sweep a table: units and seeds down, settings across."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..figures import labeled_grid

MOST_SHOWN = 400
"""A sheet shows at most so many pictures."""

MOST_ACROSS = 20
"""So many settings fit beside each other."""

_REGULARIZERS = {r"L2Decay\(factor=(.+)\)": r"l2 \1", r"NormPenalty\(weight=(.+)\)": r"norm_penalty \1"}


@dataclass(frozen=True)
class Sweep:
    """How the jobs of a run come: each objective with each of the settings, from so many seeds.

    settings: their names, by what differs between them; a single one needs no name.
    """

    settings: Sequence[str]
    seeds: int

    @property
    def table(self) -> bool:
        """Whether settings stand side by side."""
        return 1 < len(self.settings) <= MOST_ACROSS and self.each <= MOST_SHOWN

    @property
    def each(self) -> int:
        """The jobs of an objective."""
        return len(self.settings) * self.seeds

    @property
    def most_shown(self) -> int:
        """The pictures of a full sheet: whole objectives of a table."""
        return MOST_SHOWN // self.each * self.each if self.table else MOST_SHOWN

    def place(self, job: int) -> int:
        """The place of a job's settings among all."""
        return job // self.seeds % len(self.settings)

    def name(self, job: int) -> str:
        """The name of a job's settings."""
        return self.settings[self.place(job)]


@dataclass(frozen=True, eq=False)
class Entry:
    """A picture (h, w, 3) uint8 RGB with what is said of it: its unit, its seed, and the number as text."""

    picture: np.ndarray
    caption: str
    seed: int
    number: str


def draw_sheet(
    entries: Sequence[Entry], sweep: Sweep | None, *, columns: int, title: str, note: str = "", scale: int = 1
) -> np.ndarray:
    """The entries of consecutive jobs, whole objectives of a sweep, in a table or else in `columns`."""
    if sweep is None or not sweep.table or len(entries) % sweep.each:
        named = sweep is not None and len(sweep.settings) > 1
        settings = [f"\n{sweep.name(job)}" if named and sweep is not None else "" for job in range(len(entries))]
        labels = [
            f"{one.caption}\nseed {one.seed}{name}\n{one.number}" for one, name in zip(entries, settings, strict=True)
        ]
        pictures = [one.picture for one in entries]
        return labeled_grid(pictures, labels, columns=columns, title=title, note=note, scale=scale)
    across, seeds = len(sweep.settings), sweep.seeds
    order = np.arange(len(entries)).reshape(-1, across, seeds).transpose(0, 2, 1).ravel().tolist()
    return labeled_grid(
        [entries[job].picture for job in order],
        [entries[job].number for job in order],
        columns=across,
        across=[name.replace(", ", "\n") for name in sweep.settings],
        down=[f"{entries[job].caption}\nseed {entries[job].seed}" for job in order[::across]],
        title=title,
        note=note,
        scale=scale,
    )


def settings_names(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of settings, from their records, by the values that differ: "start_lr 4, l2 0.99"."""
    keys = list(dict.fromkeys(key for record in records for key in record))
    differing = [key for key in keys if len({str(record.get(key)) for record in records}) > 1]
    return [", ".join(_named(key, record.get(key)) for key in differing) for record in records]


def _named(key: str, value: Any) -> str:
    """A value of a settings' record, as the option that gives it."""
    if key == "regularizer":
        for pattern, name in _REGULARIZERS.items():
            if re.fullmatch(pattern, str(value)):
                return re.sub(pattern, name, str(value))
    for kind in (int, float):
        with suppress(ValueError, TypeError):
            return f"{key} {kind(str(value)):{'d' if kind is int else 'g'}}"
    return f"{key} {value}"
