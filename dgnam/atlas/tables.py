"""The tables of a run, row by row: which columns are worth a look, and what a page shows of each row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from ..files.tables import stream_rows
from .run_files import MOVIES, PICTURES, RunFiles

PER_PAGE = 200
"""Rows on a page."""

HEADINGS = {
    "objective": "unit",
    "caption": "name",
    "first_activation": "first activation",
    "start_lr": "first step size",
}
"""What columns are called where their names would say less."""

_INNER = ("chunk", "row")
"""Columns of summary.csv that say where its arrays lie."""

_KEPT = ("objective", "unit", "caption", "seed", "activation", "first_activation", "steps", "rank", "query", "score")
"""Columns that are shown even if all rows have the same."""


@dataclass
class Column:
    """What a table's column holds.

    shared: what all rows have so far; numeric: whether all that stands in it is numbers; filled: whether anything does.
    picture: whether it names pictures of the run.
    """

    name: str
    shared: str | None = None
    varies: bool = False
    numeric: bool = True
    filled: bool = False
    picture: bool = False

    @property
    def heading(self) -> str:
        """What it is called on a page."""
        return HEADINGS.get(self.name, self.name.replace("_", " "))

    def add(self, text: str, files: RunFiles) -> None:
        """Take in a row's cell."""
        if self.shared is None:
            self.shared = text
        self.varies = self.varies or text != self.shared
        self.filled = self.filled or bool(text)
        self.picture = self.picture or (text.lower().endswith(PICTURES) and files.path(text) is not None)
        self.numeric = self.numeric and (not text or number(text) is not None)


@dataclass(frozen=True)
class Part:
    """Rows of a table as a page shows them.

    name: the table's file, "" for none; rows: the cells of each; count: the rows of the whole table; shared: columns
    and what all rows have in them; first: which row of the table is the first here; url: the file's address.
    """

    name: str
    headings: list[str]
    rows: list[list[dict[str, Any]]]
    count: int
    shared: list[tuple[str, str]]
    first: int = 1
    url: str | None = None


@dataclass
class Table:
    """A table of a run, as its file has it: read once to know its columns, and again for its rows.

    name: its file; count: its rows; shared: columns and what all rows have in them.
    """

    name: str
    files: RunFiles
    count: int = 0
    columns: list[Column] = field(default_factory=list)
    shared: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def survey(cls, files: RunFiles, name: str) -> Table:
        """Read the table once; FormatError where it is damaged."""
        found, columns = cls(name, files), dict[str, Column]()
        for row in found._raw():
            found.count += 1
            for heading, text in row.items():
                columns.setdefault(heading, Column(heading)).add(text, files)
        for column in columns.values():
            if not column.filled or (column.name in _INNER and {*_INNER} <= set(columns)):
                continue
            if column.varies or column.picture or column.name in _KEPT or found.count == 1:
                found.columns.append(column)
            else:
                found.shared.append((column.heading, shown(column.shared, column.numeric)))
        found.columns.sort(key=lambda column: not column.picture)
        return found

    @property
    def has_pictures(self) -> bool:
        """Whether its rows have pictures."""
        return any(column.picture for column in self.columns)

    @property
    def pages(self) -> int:
        """How many pages its rows take."""
        return max(1, math.ceil(self.count / PER_PAGE))

    def parts(self) -> Iterator[Part]:
        """The rows that each page has."""
        rows = self.rows()
        for page in range(self.pages):
            yield self._part(list(islice(rows, PER_PAGE)), page * PER_PAGE + 1)

    def head(self, limit: int) -> Part:
        """The first rows."""
        return self._part(list(self.rows(limit)), 1)

    def rows(self, limit: int | None = None) -> Iterator[list[dict[str, Any]]]:
        """The cells of each row, at most of the first `limit`."""
        return (self._cells(row) for row in islice(self._raw(), limit))

    def pictures(self, limit: int) -> list[str]:
        """The names of the first pictures."""
        names = [column.name for column in self.columns if column.picture][:1]
        return [row[name] for row in islice(self._raw(), limit) for name in names]

    def _part(self, rows: list[list[dict[str, Any]]], first: int) -> Part:
        headings = [column.heading for column in self.columns]
        return Part(self.name, headings, rows, self.count, self.shared, first, self.files.url(self.name))

    def _raw(self) -> Iterable[dict[str, str]]:
        path = self.files.path(self.name)
        return () if path is None else stream_rows(path)

    def _cells(self, row: Mapping[str, str]) -> list[dict[str, Any]]:
        return [self._picture(row, column) if column.picture else _text(row, column) for column in self.columns]

    def _picture(self, row: Mapping[str, str], column: Column) -> dict[str, Any]:
        name = row.get(column.name, "")
        url = self.files.url(name) if name.lower().endswith(PICTURES) else None
        movies = [] if url is None else list(_movies(self.files, name))
        return {"url": url, "alt": _alt(row, column.heading), "text": name, "movies": movies}


def loose_pictures(files: RunFiles, names: Sequence[str]) -> Part:
    """Pictures that no table tells anything about."""
    rows: list[list[dict[str, Any]]] = [
        [
            {"url": files.url(name), "alt": name, "text": name, "movies": list(_movies(files, name))},
            {"text": name, "value": name, "numeric": False},
        ]
        for name in names
    ]
    return Part("", ["image", "file"], rows, len(rows), [])


def number(text: str) -> float | None:
    """The finite number in a cell; None for other text."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def shown(text: str | None, numeric: bool) -> str:
    """A cell's text; of numbers with decimals four digits."""
    value = number(text) if text is not None and numeric else None
    if text is None or value is None or not set(text) & set(".eE"):
        return "" if text is None else text
    return f"{value:.4g}"


def _text(row: Mapping[str, str], column: Column) -> dict[str, Any]:
    text = row.get(column.name, "")
    return {"text": shown(text, column.numeric), "value": text, "numeric": column.numeric}


def _alt(row: Mapping[str, str], heading: str) -> str:
    """What a picture is of, for who can't see it: its unit, name, seed or rank."""
    named = [row[name] for name in ("objective", "unit", "caption", "query") if row.get(name)]
    numbered = [f"{name} {row[name]}" for name in ("seed", "rank") if row.get(name)]
    return ", ".join([*dict.fromkeys(named), *numbered, *([] if heading == "image" else [heading])]) or heading


def _movies(files: RunFiles, name: str) -> Iterator[tuple[str, str]]:
    """The movies and clips of a picture: their kind, and address."""
    path = PurePosixPath(name)
    for folder in ("movies", "clips"):
        for suffix in MOVIES:
            url = files.url(str(PurePosixPath(folder, *path.parts[1:]).with_suffix(suffix)))
            if url is not None:
                yield f"{folder[:-1]} {suffix[1:].upper()}", url
