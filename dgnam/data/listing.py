"""Listings as Caffe has them: a text file with a line `path label`, or `path`, for each picture.

Paths may contain spaces, and blank lines don't count.  Going through a listing holds a few lines at a time; access by
index holds the offset, the number and the label of each line, 20 bytes.
"""

from __future__ import annotations

import codecs
import os
import re
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

import numpy as np

from ..errors import DgnamError, shortened
from ..files.paths import StrPath, existing_file, file_head, foreign_format, looked_up
from ..files.text import decode, split_lines
from .decode import decode_picture, file_size, picture_bytes
from .entries import NO_LABEL, Entries
from .picture import BrokenPictureError, DataError, Picture

CLASSES = "classes.txt"
"""Beside a listing: a line `id name` for each class."""

_LONGEST_LINE = 1 << 12
_PIECE = 1 << 16
_SEPARATED = re.compile(r"[,;]\s*[+-]?[0-9]+$", re.ASCII)
"""A label behind a comma or semicolon, as spreadsheets put it."""

_LABELED = re.compile(r"(.*\S)\s+([+-]?[0-9]{1,9})", re.ASCII | re.DOTALL)


class _Bytes(Protocol):
    """An open text."""

    def read(self, size: int, /) -> bytes: ...


class Line(NamedTuple):
    """A line of a listing: its number, the path in it, and the label if it has one."""

    number: int
    path: str
    label: int | None


@dataclass(frozen=True)
class Text:
    """The text of a listing.

    name: the file, or the zip and the file in it, as errors call it.
    open: opens it, for `read`.
    line_at: reads the line at an offset in bytes.
    """

    name: str
    open: Callable[[], AbstractContextManager[_Bytes]]
    line_at: Callable[[int], bytes]

    def lines(self) -> Iterator[tuple[int, Line]]:
        """The lines that are not blank, each with its offset."""
        with self.open() as text:
            offset = 0
            for number, raw in enumerate(_lines(text), 1):
                if len(raw) > _LONGEST_LINE:
                    raise DataError(
                        f"{self.name}, line {number}: is longer than {_LONGEST_LINE} bytes, so this is not a listing"
                    )
                line = parse_line(number, raw)
                if line is not None:
                    yield offset, line
                offset += len(raw)


def _lines(text: _Bytes) -> Iterator[bytes]:
    """The lines of a text, each with its end; of one that is too long, and is the last then, its beginning."""
    held = b""
    while len(held) <= _LONGEST_LINE and (piece := text.read(_PIECE)):
        *whole, held = (held + piece).split(b"\n")
        for line in whole:
            yield line + b"\n"
    if held:
        yield held


def parse_line(number: int, raw: bytes) -> Line | None:
    """A line of a listing; None if it is blank."""
    text = raw.removeprefix(codecs.BOM_UTF8 if number == 1 else b"").decode("utf-8", "surrogateescape").strip()
    if not text:
        return None
    labeled = _LABELED.fullmatch(text)
    return Line(number, text, None) if labeled is None else Line(number, labeled[1], int(labeled[2]))


def read_class_names(read: Callable[[str], bytes]) -> tuple[str, ...]:
    """The names in classes.txt, without the ids before them; () if it cannot be read.

    read: reads a file beside the listing.
    """
    try:
        lines = split_lines(decode(read(CLASSES), CLASSES, "a list of classes"))
    except (DgnamError, OSError):
        return ()
    return tuple(line.split(" ", 1)[-1] for line in lines)


class Listing(Entries):
    """The pictures that a listing names.

    picture: makes the picture of a line.
    """

    def __init__(self, text: Text, picture: Callable[[Line], Picture], classes: tuple[str, ...] = ()):
        self.what, self.classes = text.name, classes
        self._text, self._picture = text, picture
        self._count = sum(1 for _ in text.lines())
        if not self._count:
            raise DataError(f"{text.name}: the listing is empty")

    def __iter__(self) -> Iterator[Picture]:
        return (self._picture(line) for _, line in self._text.lines())

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> Picture:
        return self._picture(self._line(place))

    @cached_property
    def labels(self) -> np.ndarray:
        return np.array(self._index[2], np.int64)

    def lines(self) -> Iterator[tuple[Line, Picture]]:
        """Each line with its picture."""
        return ((line, self._picture(line)) for _, line in self._text.lines())

    def check_labels(self) -> None:
        wrong = np.flatnonzero(self.labels < 0)
        if len(wrong):
            line = self._line(int(wrong[0]))
            label = "" if line.label is None else f" {line.label}"
            text = shortened(f"{line.path}{label}")
            raise DataError(
                f"{self.what}, line {line.number}: '{text}' is not of the form 'path label', the label 0 or more"
            )

    def _line(self, place: int) -> Line:
        offsets, numbers, _ = self._index
        line = parse_line(numbers[place], self._text.line_at(offsets[place]))
        if line is None:
            raise DataError(f"{self.what}, line {numbers[place]}: the listing changed after it was opened")
        return line

    @cached_property
    def _index(self) -> tuple[array[int], array[int], array[int]]:
        """Of each line the offset, the number and the label."""
        offsets, numbers, labels = array("q"), array("i"), array("q")
        for offset, line in self._text.lines():
            offsets.append(offset)
            numbers.append(line.number)
            labels.append(NO_LABEL if line.label is None else line.label)
        self._count = len(offsets)
        return offsets, numbers, labels


def open_listing(path: Path, root: StrPath | None = None, *, within: bool = False) -> Listing:
    """The pictures of a listing in a folder.

    root: put before the paths, which then count from the working directory, as in Caffe, or else from the listing's
        folder; None takes the listing's folder, under which paths may also be absolute.
    within: refuse paths that lead out of the listing's folder.
    """
    head = file_head(existing_file(path))
    kind = foreign_format(head)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(f"{path}: is a text in UTF-16; save it as UTF-8")
    if b"\r" in head.removesuffix(b"\r") and b"\n" not in head:
        raise DataError(f"{path}: its lines end in carriage returns alone; save it with line feeds")
    if b"\0" in head or kind is not None:
        raise DataError(
            f"{path}: is {'not a text' if kind is None else kind}; pictures are taken from a folder, a zip, a database "
            "or a text with a line 'path label' for each"
        )
    text = Text(str(path), lambda: open(path, "rb"), partial(_line_at, path))  # noqa: SIM115  (closed by `Text`)
    classes = read_class_names(lambda name: picture_bytes(path.parent / name))
    return Listing(text, partial(_inner if within else _listed, path, root), classes)


def _line_at(path: Path, offset: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(offset)
        return file.readline(_LONGEST_LINE + 1)


def _inner(listing: Path, root: StrPath | None, line: Line) -> Picture:
    """The picture of a line whose path must stay in the listing's folder."""
    if PurePosixPath(line.path).is_absolute() or ".." in PurePosixPath(line.path).parts:
        path = shortened(line.path)

        def load(gray: bool) -> tuple[np.ndarray, int | None]:
            raise BrokenPictureError(f"{listing}, line {line.number}: '{path}' leads out of the folder")

        return Picture(f"{listing}: {path}", load, lambda: line.label)
    return _listed(listing, root, line)


def _listed(listing: Path, root: StrPath | None, line: Line) -> Picture:
    if root is None:
        path = os.path.join(listing.parent, line.path)
    else:
        # Caffe puts the root before the path as it is, so that paths beginning with a slash are under it too.
        under = os.path.join(root, line.path.lstrip("/")) if root else line.path
        as_it_is = os.fspath(root) + line.path
        path = as_it_is if os.path.exists(as_it_is) else looked_up(under, listing.parent)

    def load(gray: bool) -> tuple[np.ndarray, int | None]:
        if not os.path.exists(path):
            hint = "" if root else "; is it under another root?"
            hint = "; a line is 'path label', with a blank between" if _SEPARATED.search(line.path) else hint
            raise BrokenPictureError(f"{listing}, line {line.number}: there is no {shortened(path, 1000)}{hint}")
        return decode_picture(picture_bytes(path), path, gray=gray), line.label

    return Picture(path, load, lambda: line.label, partial(picture_bytes, path), partial(file_size, path))
