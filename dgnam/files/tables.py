"""Tables as text: read whatever a spreadsheet saves as CSV, and write what no spreadsheet takes for a formula.

The columns of a table that is read are separated by commas, semicolons (as by Excel where the comma is decimal) or
tabs, which its first line tells.  A cell of text that is written never begins with = + - @, a tab or a line end: a
spreadsheet would compute it, and a label comes from anybody's file.  Such a cell gets a ' in front (OWASP, "CSV
Injection"), which `unescaped` takes away.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import IO, Any

from ..errors import FormatError, shortened
from .paths import StrPath, existing_file
from .text import read_text, split_lines

SEPARATORS = (",", ";", "\t")
_MOST_BYTES = 64 << 20
_LONGEST_LINE = 1 << 20
_HINT = re.compile(r"sep=(.)", re.IGNORECASE)

_FORMULA = re.compile("(^|[,;\t\r\n])('*)(?=[-=+@\t\r\n＝＋－＠])")
"""Where a spreadsheet may see a formula begin: in the cell, or behind what another one takes for a separator."""


@dataclass(frozen=True)
class Table:
    """A table that was read.

    source: the file, as errors call it.
    separator: what is between its columns.
    rows: of each row the line that it ends in, and the cells of the columns asked for, without blanks around them.
    """

    source: str
    separator: str
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_table(path: StrPath, columns: Sequence[str], what: str, *, any_bytes: bool = False) -> Table:
    """The columns of a table in a text file, in any order and case among others; rows without any text don't count.

    what: the file should be, as errors call it: "a table of scores".
    any_bytes: keep bytes that are no UTF-8, where only ASCII matters.
    Raises FormatError with the line for a table without these columns, and for a row that has more cells than columns.
    """
    text = read_text(path, _MOST_BYTES, what, any_bytes=any_bytes)
    lines = split_lines(text)
    hint = _HINT.fullmatch(lines[0].strip()) if lines else None
    first = 1 if hint is not None else 0
    separators = SEPARATORS if hint is None else (hint[1],)
    try:
        head = next((number for number, line in enumerate(lines) if number >= first and line.strip()), None)
        if head is None:
            raise FormatError(f"{path}: is empty, and no {what.removeprefix('a ')}")
        separator, places, width = _columns(path, head + 1, lines[head], columns, separators)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        rows = []
        for cells in reader:
            if reader.line_num > head + 1 and any(cell.strip() for cell in cells):
                _check_width(path, reader.line_num, cells, width, separator)
                row = tuple(cells[place].strip() if place < len(cells) else "" for place in places)
                rows.append((reader.line_num, row))
    except csv.Error as error:
        raise FormatError(f"{path}: not {what} ({error})") from None
    return Table(str(path), separator, tuple(rows))


def stream_rows(path: StrPath) -> Iterator[dict[str, str]]:
    """The rows of a table that was written by `table_text`, by column, one at a time: memory doesn't grow with them.

    Raises FormatError with the line for what is not such a table, where it comes to it.
    """
    with open(existing_file(path), encoding="utf-8", errors="replace", newline="") as file:
        reader = csv.reader(_lines(path, file), strict=True)
        try:
            columns = next(reader, [])
            if len(set(columns)) < len(columns):
                raise FormatError(f"{path}: its first line, '{shortened(','.join(columns))}', names a column twice")
            for cells in reader:
                if len(cells) != len(columns):
                    where = f"{path}, line {reader.line_num}"
                    raise FormatError(f"{where}: has {len(cells)} cells, and {len(columns)} columns are named")
                yield {column: unescaped(cell) for column, cell in zip(columns, cells, strict=True)}
        except csv.Error as error:
            raise FormatError(f"{path}, line {reader.line_num}: not a table ({error})") from None


def _lines(path: StrPath, file: IO[str]) -> Iterator[str]:
    """A file's lines; one that no table has is a FormatError."""
    while line := file.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise FormatError(f"{path}: has a line of {_LONGEST_LINE:,} characters or more, as no table has")
        yield line


def table_text(rows: Iterable[Iterable[Any]], line_end: str = "\n") -> str:
    """A table with commas between its columns; text is escaped, numbers are as they are."""
    return "".join(f"{','.join(map(_cell, row))}{line_end}" for row in rows)


def table_of(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A table of rows by column, under the columns' names."""
    return table_text([columns, *([row[name] for name in columns] for row in rows)])


def _cell(value: Any) -> str:
    """A cell as CSV: text in quotes where another program might end it early; None is empty.

    What is neither a number nor text, as a list, is its text.
    """
    if value is None or isinstance(value, Number):
        return "" if value is None else str(value)
    text = escaped(str(value))
    return '"{}"'.format(text.replace('"', '""')) if re.search('[,;"\t\r\n]', text) else text


def escaped(cell: str) -> str:
    """The text so that no spreadsheet takes it, or a part of it behind a separator, for a formula."""
    return _FORMULA.sub(r"\1\2'", cell)


def unescaped(cell: str) -> str:
    """The text that `escaped` was given."""
    return _FORMULA.sub(lambda found: found[1] + found[2][:-1], cell)


def _columns(
    path: StrPath, number: int, line: str, columns: Sequence[str], separators: Sequence[str]
) -> tuple[str, list[int], list[str]]:
    """The separator, the places of the columns, and the headings, in lower case."""
    for separator in separators:
        headings = [cell.strip().casefold() for cell in next(csv.reader([line], delimiter=separator))]
        if set(columns) <= set(headings):
            twice = next((name for name in columns if headings.count(name) > 1), None)
            if twice is not None:
                raise FormatError(f"{path}, line {number}: names the column '{twice}' twice")
            return separator, [headings.index(name) for name in columns], headings
    raise FormatError(
        f"{path}, line {number}: is '{shortened(line)}'; the first line must name the columns {' and '.join(columns)}, "
        f"with commas, semicolons or tabs between: {','.join(columns)}"
    )


def _check_width(path: StrPath, line: int, cells: Sequence[str], headings: Sequence[str], separator: str) -> None:
    """A row has no text without a heading: 1,5 in a table with commas between its columns is two cells."""
    named = [*headings, *([""] * len(cells))]
    beyond = [place for place, cell in enumerate(cells) if cell.strip() and not named[place]]
    if beyond:
        advice = '; write 1.5 or "1,5" for a number with decimals' if separator == "," else ""
        row = shortened(separator.join(cells))
        raise FormatError(
            f"{path}, line {line}: '{row}' has the cell '{shortened(cells[beyond[0]])}' under no heading, and "
            f"{sum(map(bool, headings))} columns are named{advice}"
        )
