"""Caffe's listings of images: text files with a line `path label` for each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import CaffeFormatError, shortened
from ...files.paths import StrPath, existing_file

_MOST = 2**31
_LABEL = re.compile(r"[+-]?[0-9]{1,12}\s*", re.ASCII)
_LEADING = re.compile(r"\s*([+-]?[0-9]{1,18})", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """An image: its path as listed, its label, and the number of its line, from 1."""

    path: str
    label: int
    line: int


def read_listing(path: StrPath) -> list[Entry]:
    """The entries of a listing; raises CaffeFormatError with file and line where a label is no whole number.

    The last space of a line parts path from label, so paths may have spaces.  A line without any is a path whose label
    is, as Caffe reads it, the number that it begins with, mostly none and so 0.
    """
    # Paths are bytes to Caffe; surrogateescape brings those that are not UTF-8 back when the file is opened.
    text = existing_file(path).read_bytes().decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    entries = [_entry(line, number, path) for number, line in enumerate(lines, 1)]
    if not entries:
        raise CaffeFormatError(f"{path}: the listing is empty")
    return entries


def _entry(line: str, number: int, source: StrPath) -> Entry:
    image, space, last = line.rpartition(" ")
    if not space:
        image, found = line, _LEADING.match(line)
        label = _wrapped(int(found[1])) if found else 0
    elif _LABEL.fullmatch(last):
        label = int(last)
    else:
        raise CaffeFormatError(
            f"{source}, line {number}: '{shortened(last)}' is no label; "
            "a line is 'path label', the label a whole number"
        )
    if not -_MOST <= label < _MOST:
        raise CaffeFormatError(f"{source}, line {number}: the label {label} has more than 32 bits")
    return Entry(image, label, number)


def _wrapped(number: int) -> int:
    """As C++ puts it into 32 bits: such a label, of a path that begins with a date, say, means nothing anyway."""
    return (number + _MOST) % (2 * _MOST) - _MOST
