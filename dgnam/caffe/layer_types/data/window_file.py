"""Window files: the boxes of each image, with class and overlap.

    # image_index
    path
    channels
    height
    width
    number of windows
    class overlap x1 y1 x2 y2        (a line for each)

Entries are separated by whitespace, so paths can't contain any.  Image indices count from 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from ....errors import CaffeFormatError
from ....files.paths import StrPath, existing_file

_MOST = 2**31


@dataclass(frozen=True)
class Window:
    """A box, corners inclusive, in pixels of the image with this index.

    label: the class.
    overlap: with an object of that class, 0 to 1.
    """

    image: int
    label: int
    overlap: float
    x1: int
    y1: int
    x2: int
    y2: int


@dataclass
class WindowFile:
    """A window file's contents: the images' paths, the last image's number of channels, and all windows."""

    paths: list[str] = field(default_factory=list)
    channels: int = 0
    windows: list[Window] = field(default_factory=list)


def read_window_file(path: StrPath) -> WindowFile:
    """Read a window file; raises CaffeFormatError, with file and line, if it is malformed."""
    entries = _Entries(path, existing_file(path).read_bytes())
    found = WindowFile()
    while entries.more():
        _read_image(entries, found)
    if not found.paths:
        raise CaffeFormatError(f"{path}: the window file is empty")
    for window in found.windows:
        if not 0 <= window.image < len(found.paths):
            raise CaffeFormatError(
                f"{path}: there is an image of index {window.image}, and indices count from 0 to "
                f"{len(found.paths) - 1}, for {len(found.paths)} images"
            )
    return found


def _read_image(entries: _Entries, found: WindowFile) -> None:
    entries.mark()
    image = entries.whole("the index of an image")
    found.paths.append(entries.text("a path"))
    found.channels = entries.whole("the number of channels")
    for what in ("the height", "the width"):
        entries.whole(what)
    for _ in range(entries.whole("the number of windows")):
        label = entries.whole("a class")
        overlap = entries.number("an overlap")
        x1, y1, x2, y2 = (entries.whole(corner) for corner in ("x1", "y1", "x2", "y2"))
        found.windows.append(Window(image, label, overlap, x1, y1, x2, y2))


class _Entries:
    """The entries in order, with their line numbers."""

    def __init__(self, path: StrPath, content: bytes):
        self._path = path
        self._entries = _split(content)
        self._line = 0
        self._ahead: str | None = None

    def more(self) -> bool:
        """Whether there is another entry."""
        self._advance()
        return self._ahead is not None

    def text(self, what: str) -> str:
        """The next entry."""
        self._advance()
        entry, self._ahead = self._ahead, None
        if entry is None:
            raise CaffeFormatError(f"{self._path}, line {self._line}: the file ends where {what} is expected")
        return entry

    def mark(self) -> None:
        """The # before each image."""
        entry = self.text("#")
        if entry != "#":
            raise self._fail("a # before the next image", entry)

    def whole(self, what: str) -> int:
        """The next entry, a whole number."""
        entry = self.text(what)
        try:
            number = int(entry)
        except ValueError:
            raise self._fail(f"{what}, a whole number,", entry) from None
        if not -_MOST <= number < _MOST:
            raise self._fail(f"{what}, of at most 32 bits,", entry)
        return number

    def number(self, what: str) -> float:
        """The next entry, a number."""
        entry = self.text(what)
        try:
            number = float(entry)
        except ValueError:
            number = math.nan
        if math.isnan(number):
            raise self._fail(f"{what}, a number,", entry)
        return number

    def _advance(self) -> None:
        if self._ahead is None:
            self._line, self._ahead = next(self._entries, (self._line, None))

    def _fail(self, what: str, entry: str) -> CaffeFormatError:
        return CaffeFormatError(f"{self._path}, line {self._line}: {what} is expected, and there is '{entry[:64]}'")


def _split(content: bytes) -> Iterator[tuple[int, str]]:
    """Each entry with the number of its line."""
    for number, line in enumerate(content.split(b"\n"), 1):
        for entry in line.split():
            yield number, entry.decode("utf-8", "surrogateescape")
