"""Zips of pictures: those that a listing in the zip names, or all of them in the zip's order.

What is held is the directory of the zip, about half a kilobyte for each entry, and for access by index the text of the
listing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from ..errors import DgnamError, closest
from ..files.archives import Member, Zip
from .decode import decode_picture
from .entries import NO_LABEL, Entries
from .listing import CLASSES, Line, Listing, Text, read_class_names
from .picture import LARGEST_FILE, BrokenPictureError, DataError, Picture, is_picture

_IN_USE: WeakValueDictionary[tuple[Any, ...], Entries] = WeakValueDictionary()
"""What is open, by the process, the file as it was and the name of the listing."""


def open_zip(path: Path, listing: str | None = None) -> Entries:
    """The pictures that a listing in a zip names, or, without a listing, all pictures in it.

    A zip that is open already is not read again.

    listing: its name; None takes the only text at the zip's top whose first line names a picture in the zip.
    """
    try:
        now = os.stat(path)
    except OSError:
        return _open(path, listing)  # which says why not
    # Not across a fork: two processes would share the place in the file.
    key = (os.getpid(), path, listing, now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns)
    found = _IN_USE.get(key)
    if found is None:
        found = _IN_USE[key] = _open(path, listing)
    return found


def _open(path: Path, listing: str | None) -> Entries:
    try:
        zipped = Zip(path, LARGEST_FILE)
    except DgnamError as error:
        raise DataError(str(error)) from None
    chosen = _find_listing(zipped) if listing is None else listing
    if chosen is None:
        return ZipOfPictures(zipped)
    if chosen not in zipped:
        raise DataError(f"{path}: holds no file '{chosen}'; the texts in it: {closest(chosen, _texts(zipped))}")
    return Listing(_text(zipped, chosen), partial(_picture, zipped), _class_names(zipped))


class ZipOfPictures(Entries):
    """All pictures in a zip, without labels."""

    def __init__(self, zipped: Zip):
        self.what, self._zip = str(zipped.path), zipped
        self._names = [name for name in zipped.names() if is_picture(name)]
        if not self._names:
            raise DataError(f"{self.what}: has no picture")

    def __iter__(self) -> Iterator[Picture]:
        return (self[place] for place in range(len(self)))

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, place: int) -> Picture:
        return _picture(self._zip, Line(place + 1, self._names[place], None))

    @cached_property
    def labels(self) -> np.ndarray:
        return np.full(len(self), NO_LABEL)

    def check_labels(self) -> None:
        raise DataError(f"{self.what}: has no listing that gives its pictures labels")


def _picture(zipped: Zip, line: Line) -> Picture:
    name = f"{zipped.path}: {line.path}"

    def load(gray: bool) -> tuple[np.ndarray, int | None]:
        try:
            encoded = zipped.read(line.path)
        except DgnamError as error:
            raise BrokenPictureError(f"{name} cannot be read ({error})") from None
        return decode_picture(encoded, name, gray=gray), line.label

    stored, stamp = partial(zipped.read, line.path), partial(zipped.stamp, line.path)
    return Picture(name, load, lambda: line.label, stored, stamp)


def _text(zipped: Zip, name: str) -> Text:
    held: list[bytes] = []

    def line_at(offset: int) -> bytes:
        if not held:
            with _opened(zipped, name):
                held.append(zipped.read(name))
        end = held[0].find(b"\n", offset)
        return held[0][offset:] if end < 0 else held[0][offset:end]

    return Text(f"{zipped.path}: {name}", partial(_opened, zipped, name), line_at)


@contextmanager
def _opened(zipped: Zip, name: str) -> Iterator[Member]:
    """A text in a zip, open; errors are DataErrors that name it."""
    try:
        with zipped.open(name) as member:
            yield member
    except DataError:
        raise
    except DgnamError as error:
        raise DataError(f"{zipped.path}: {name} cannot be read ({error})") from None


def _find_listing(zipped: Zip) -> str | None:
    """The text at the zip's top whose first line names a picture in it; None if there is none."""
    firsts = {name: next(_text(zipped, name).lines(), None) for name in _texts(zipped)}
    found = [name for name, first in firsts.items() if first is not None and first[1].path in zipped]
    if len(found) > 1:
        one = f"{zipped.path.stem}-{Path(found[0]).stem}"
        raise DataError(
            f"{zipped.path}: it has several listings, {', '.join(found)}: choose one with listing where it is "
            f"taken; or, with the zip in the data folder, name the set with its listing, as {one}"
        )
    return found[0] if found else None


def _texts(zipped: Zip) -> list[str]:
    return [name for name in zipped.names() if name.endswith(".txt") and "/" not in name and name != CLASSES]


def _class_names(zipped: Zip) -> tuple[str, ...]:
    """The names in classes.txt, without the ids before them; () if there is no such file."""
    return read_class_names(zipped.read) if CLASSES in zipped else ()
