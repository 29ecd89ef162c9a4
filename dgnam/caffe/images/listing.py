"""Caffe's image listings: text files with lines `path label`."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from ...errors import CaffeFormatError, shortened
from ...files.paths import StrPath, existing_file

_MOST = 2**31
_LABEL = re.compile(r"[+-]?[0-9]{1,12}\s*", re.ASCII)
_LEADING = re.compile(r"\s*([+-]?[0-9]{1,18})", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """An image: its listed path, its label and its line number, from 1."""

    path: str
    label: int
    line: int


def read_listing(path: StrPath) -> list[Entry]:
    """Read a listing; raises CaffeFormatError with file and line for a label that is not a whole number.

    The last space of a line separates path and label, so paths may contain spaces.  A line without spaces is a path
    labeled by its leading number, by default 0, as in Caffe.
    """
    # Caffe's paths are bytes; surrogateescape preserves those that are not UTF-8.
    content = existing_file(path).read_bytes()
    if b"\0" in content:
        raise CaffeFormatError(f"{path}: is not a text; a listing is UTF-8, with a line 'path label' for each image")
    text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
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
            f"{source}, line {number}: '{shortened(last)}' is not a label; a line is 'path label' with a whole number"
        )
    if not -_MOST <= label < _MOST:
        raise CaffeFormatError(f"{source}, line {number}: the label {label} exceeds 32 bits")
    return Entry(image, label, number)


def _wrapped(number: int) -> int:
    """Wrap to 32 bits as C++ does; such a label, as of a path starting with a date, is meaningless."""
    return (number + _MOST) % (2 * _MOST) - _MOST
