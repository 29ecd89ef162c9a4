"""Numbers as people and their programs write them: with a decimal point or comma, and in groups of thousands.

A column is read as a whole, since one cell may tell what another means: beside 0,5 a 1,234 is 1.234, and beside 1,234.5
it is 1234.  Where nothing tells, that is an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import DgnamError, FormatError, closest, shortened

POINT, COMMA = ".", ","
_GROUPING = " \u00a0\u2009\u202f'\u2019"
"""What may stand between thousands beside the mark that isn't decimal: blanks of four kinds, and apostrophes."""

_USUAL = {",": POINT, ";": COMMA}
"""The decimal mark by what separates columns."""

_MINUS = str.maketrans({"\u2212": "-"})


class Cell(NamedTuple):
    """A number as it is written, and where it stands: `scores.csv, line 3: the score of 00000-01.png`."""

    where: str
    text: str


def read_numbers(cells: Sequence[Cell], *, decimal: str | None = None, separator: str | None = None) -> list[float]:
    """The numbers of a column, finite; FormatError for what is none, or may be two.

    decimal: the mark before the decimals, "." or ","; None finds it out.
    separator: what is between the table's columns.  Commas are where 1.234 has decimals, and semicolons, as Excel
        writes them where the comma is decimal, where 1,234 has.
    """
    marks = (POINT, COMMA) if decimal is None else (check_decimal(decimal),)
    for cell in cells:
        if all(_parse(cell.text, mark) is None for mark in marks):
            raise FormatError(f"{cell.where} is '{shortened(cell.text)}', not a finite number{_advice(decimal)}")
    fitting = [mark for mark in marks if all(_parse(cell.text, mark) is not None for cell in cells)]
    if not fitting:
        first, second = (next(cell for cell in cells if _parse(cell.text, mark) is None) for mark in marks)
        raise FormatError(
            f"{first.where} is '{shortened(first.text)}', and {second.where} is '{shortened(second.text)}': one has a "
            "decimal comma and the other a decimal point"
        )
    values = [[_parse(cell.text, mark) for cell in cells] for mark in fitting]
    if len(fitting) == 2 and values[0] != values[1]:
        doubtful = [cell for cell, one, other in zip(cells, *values, strict=True) if one != other]
        usual = None if separator is None else _USUAL.get(separator)
        if usual is None or any(usual not in cell.text for cell in doubtful):
            raise _ambiguous(doubtful[0])
        values = [values[fitting.index(usual)]]
    return [value for value in values[0] if value is not None]


def check_decimal(mark: str) -> str:
    """The decimal mark, "." or ","; DgnamError for anything else."""
    if mark not in (POINT, COMMA):
        raise DgnamError(f"decimal '{mark}': give one of {closest(mark, (POINT, COMMA))}")
    return mark


def _advice(decimal: str | None) -> str:
    return "" if decimal is None else f" with the decimal mark '{decimal}'"


def _ambiguous(cell: Cell) -> FormatError:
    one, other = (_parse(cell.text, mark) for mark in (POINT, COMMA))
    return FormatError(
        f"{cell.where} is '{shortened(cell.text)}', which may be {one:.10g} or {other:.10g}: say which is the decimal "
        "mark, '.' or ','"
    )


def _parse(text: str, decimal: str) -> float | None:
    """The number with this decimal mark; None for what is no finite one."""
    other = COMMA if decimal == POINT else POINT
    found = _PATTERNS[decimal].fullmatch(text.strip().translate(_MINUS))
    if found is None:
        return None
    whole = re.sub(f"[{re.escape(other + _GROUPING)}]", "", found["whole"])
    value = float(f"{found['sign']}0{whole}.{found['decimals'] or ''}0{found['exponent'] or ''}")
    return value if math.isfinite(value) else None


def _pattern(decimal: str) -> re.Pattern[str]:
    other = COMMA if decimal == POINT else POINT
    mark, group = re.escape(decimal), f"[{re.escape(other + _GROUPING)}]"
    whole = rf"[0-9]*|[1-9][0-9]{{0,2}}(?P<group>{group})[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*"
    return re.compile(
        rf"(?P<sign>[-+]?)(?={mark}?[0-9])(?P<whole>{whole})(?:{mark}(?P<decimals>[0-9]*))?"
        r"(?P<exponent>[eE][-+]?[0-9]{1,4})?"
    )


_PATTERNS = {mark: _pattern(mark) for mark in (POINT, COMMA)}
