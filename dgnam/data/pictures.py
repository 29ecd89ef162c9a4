"""Pictures of any size and number, one at a time: of a folder, a listing, a zip, a database or a named set.

    for picture in open_pictures("photos"):
        pixels = picture.read("colour")

Of the pictures no more than one is held.  What is held of a source is the names of one folder, or the directory of one
zip, which is about half a kilobyte for each of its entries.
"""

from __future__ import annotations

import lzma
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from ..caffe.databases.datum import datum_image, parse_datum
from ..caffe.databases.db import open_database
from ..caffe.databases.lmdb_file import DATA_FILE, LMDBFile
from ..caffe.databases.record import Record
from ..caffe.images.cv_image import Colour, decode_image, read_image
from ..errors import DgnamError, closest
from ..files.archives import read_entry
from ..files.paths import existing_file, file_head, foreign_format
from .image_set import LARGEST_FILE, DataError, data_folder, set_sources

StrPath = str | os.PathLike[str]

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp", ".jp2")
"""Which files of a folder or a zip without a listing are pictures; in capitals too."""

_LONGEST_LINE = 1 << 12
_CLASSES = "classes.txt"
_LABELLED = re.compile(r"(.*\S)\s+([+-]?[0-9]+)")
_ZIP_ERRORS = (
    *(OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError),
    *(ValueError, OverflowError, struct.error, KeyError, IndexError, TypeError, AttributeError),
)


class BrokenPictureError(DataError):
    """A picture is missing or can't be read; the message names it.  The others of its source can be read."""


@dataclass(frozen=True)
class Picture:
    """A picture, not yet read.

    name: what errors call it: its file, or its source and its place there.
    """

    name: str
    _read: Callable[[Colour], np.ndarray]
    _label: Callable[[], int | None] = lambda: None

    @property
    def label(self) -> int | None:
        """The class that its listing or Datum gives it; None where there is none."""
        return self._label()

    def read(self, colour: Colour = "colour") -> np.ndarray:
        """Its pixels: (H, W, 3) BGR, or (H, W, 1) with colour "gray"; uint8, or float32 from a database of floats.

        Raises BrokenPictureError.
        """
        try:
            return self._read(colour)
        except BrokenPictureError:
            raise
        except (DgnamError, DataError, OSError) as error:
            reason = str(error)
            raise BrokenPictureError(reason if self.name in reason else f"{self.name}: {reason}") from None


@dataclass(frozen=True)
class _Line:
    """A line of a listing: its number, the path in it, and the label where it has one."""

    number: int
    path: str
    label: int | None


@dataclass(frozen=True)
class Pictures:
    """Pictures in a fixed order, to be gone through as often as one likes.

    source: what they were opened as.
    count: how many there are; None where only going through them tells.
    """

    source: str
    count: int | None
    _each: Callable[[], Iterator[Picture]]

    def __iter__(self) -> Iterator[Picture]:
        return self._each()

    def of_class(self, label: int) -> Pictures:
        """Those that have this label, where the source has labels."""
        each = self._each
        return Pictures(
            f"{self.source}, label {label}", None, lambda: (picture for picture in each() if picture.label == label)
        )


def open_pictures(
    source: StrPath,
    *,
    root: StrPath | None = None,
    listing: str | None = None,
    sets: StrPath | None = None,
) -> Pictures:
    """The pictures of `source`; raises DataError or DgnamError where there are none or it can't be read.

    source: one of
        a folder: its pictures and those of the folders in it, each folder's in the order of their names;
        a listing of Caffe's, a line `path label` or `path` each, whose order is kept;
        a zip: what its listing names, or all its pictures where it has none, in the zip's order;
        an LMDB or LevelDB database of Datums, in the order of the keys;
        the name of an image set, as `dgnam.data` has them, unless there is a file of that name.
    root: put before the paths of a listing; None takes the listing's folder.
    listing: the listing in a zip that has several.
    sets: the folder of the named sets; None takes `$DGNAM_DATA`.
    """
    path = Path(source)
    if path.is_dir():
        _without(source, "a folder", root=root, listing=listing)
        backend = _backend(path)
        return _folder(path) if backend is None else _database(path, backend)
    if path.is_file() and zipfile.is_zipfile(path):
        _without(source, "a zip", root=root)
        return _zip(path, listing)
    _without(source, "no zip", listing=listing)
    if path.exists():
        return _listing(path, root)
    _without(source, "no file", root=root)
    return _named(str(source), sets)


def _without(source: StrPath, kind: str, **options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise DataError(f"{source} is {kind}, and {name} is for {'zips' if name == 'listing' else 'listings'}")


def _backend(path: Path) -> str | None:
    """Which kind of database a folder is, if any."""
    for backend, file in (("lmdb", DATA_FILE), ("leveldb", "CURRENT")):
        if (path / file).is_file():
            return backend
    return None


def _folder(path: Path) -> Pictures:
    count = sum(1 for _ in _files(path, ()))
    if not count:
        raise DataError(f"{path}: neither it nor a folder in it has a picture ({', '.join(SUFFIXES)})")
    return Pictures(str(path), count, lambda: map(_file_picture, _files(path, ())))


def _files(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """The pictures in `folder` and below, links followed but not to one of the folders `above`."""
    real = folder.resolve()
    if real in above:
        return
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(entry, (*above, real))
        elif _is_picture(entry.name):
            yield entry


def _is_picture(name: str) -> bool:
    """Whether a name, with the folders before it, is that of a picture and not of what a Mac puts beside it."""
    parts = name.split("/")
    return name.lower().endswith(SUFFIXES) and not parts[-1].startswith(".") and parts[0] != "__MACOSX"


def _file_picture(path: Path) -> Picture:
    return Picture(str(path), lambda colour: read_image(path, gray=colour == "gray"))


def _listing(path: Path, root: StrPath | None) -> Pictures:
    head = file_head(existing_file(path))
    if b"\0" in head or foreign_format(head) is not None:
        kind = foreign_format(head)
        raise DataError(
            f"{path}: is {'no text' if kind is None else kind}; pictures are taken from a folder, a zip, an LMDB or a "
            "text with a line 'path label' each"
        )
    count = sum(1 for _ in _listed_in(path))
    if not count:
        raise DataError(f"{path}: the listing is empty")
    return Pictures(str(path), count, lambda: (_listed_picture(path, line, root) for line in _listed_in(path)))


def _listed_in(path: Path) -> Iterator[_Line]:
    with open(path, "rb") as lines:
        yield from _listed(lines, str(path))


def _listed(lines: IO[bytes], source: str) -> Iterator[_Line]:
    """The lines that aren't blank; the path in one may have spaces."""
    for number, raw in enumerate(iter(lambda: lines.readline(_LONGEST_LINE + 1), b""), 1):
        if len(raw) > _LONGEST_LINE:
            raise DataError(
                f"{source}, line {number}: over {_LONGEST_LINE} bytes are no 'path label', so it is no listing"
            )
        line = raw.decode("utf-8", "surrogateescape").strip()
        if line:
            labelled = _LABELLED.fullmatch(line)
            yield _Line(number, line, None) if labelled is None else _Line(number, labelled[1], int(labelled[2]))


def _listed_picture(listing: Path, line: _Line, root: StrPath | None) -> Picture:
    number, listed = line.number, line.path
    # Caffe puts the root before the path as it is, so that paths which begin with a slash are under it too.
    path = listing.parent / listed if root is None else Path(root) / listed.lstrip("/")

    def read(colour: Colour) -> np.ndarray:
        if not path.exists():
            hint = "; is it under another root?" if root is None else ""
            raise BrokenPictureError(f"{listing}, line {number}: there is no {path}{hint}")
        return read_image(path, gray=colour == "gray")

    return Picture(str(path), read, lambda: line.label)


def _zip(path: Path, listing: str | None) -> Pictures:
    with _opened(path) as archive:
        chosen = _listing_of(archive, path) if listing is None else listing
        if chosen is not None and chosen not in archive.NameToInfo:
            raise DataError(f"{path}: it has no {chosen}; the texts in it: {closest(chosen, _texts(archive))}")
        count = sum(1 for _ in _lines(archive, path, chosen))
    if not count:
        what = "has no picture" if chosen is None else f"its listing {chosen} is empty"
        raise DataError(f"{path}: {what}")
    return Pictures(str(path), count, partial(_zipped, path, chosen))


def _zipped(path: Path, listing: str | None) -> Iterator[Picture]:
    archive = _opened(path)  # closed when the last picture of it is gone
    for line in _lines(archive, path, listing):
        read = partial(_member, archive, path, line.path)
        yield Picture(f"{path}: {line.path}", read, partial(getattr, line, "label"))


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except _ZIP_ERRORS as error:
        raise DataError(f"{path}: not a readable zip ({error})") from None


def _member(archive: zipfile.ZipFile, path: Path, name: str, colour: Colour) -> np.ndarray:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise BrokenPictureError(f"{path}: it has no {name}") from None
    try:
        encoded = read_entry(archive, path, info, LARGEST_FILE)
    except DgnamError as error:
        raise BrokenPictureError(f"{path}: {name} can't be read ({error})") from None
    return decode_image(encoded, f"{path}: {name}", colour)


def _lines(archive: zipfile.ZipFile, path: Path, listing: str | None) -> Iterator[_Line]:
    """What the listing of a zip names, or all its pictures where that is None."""
    if listing is None:
        pictures = (name for name in archive.NameToInfo if _is_picture(name))
        yield from (_Line(number, name, None) for number, name in enumerate(pictures, 1))
        return
    try:
        with archive.open(listing) as lines:
            yield from _listed(lines, f"{path}: {listing}")
    except _ZIP_ERRORS as error:
        raise DataError(f"{path}: {listing} can't be read ({error})") from None


def _listing_of(archive: zipfile.ZipFile, path: Path) -> str | None:
    """The text at the zip's top whose first line names a picture in it; None where there is none."""
    firsts = {name: next(_lines(archive, path, name), None) for name in _texts(archive)}
    found = [name for name, line in firsts.items() if line is not None and line.path in archive.NameToInfo]
    if len(found) > 1:
        raise DataError(f"{path}: it has several listings, {', '.join(found)}: choose one with --listing")
    return found[0] if found else None


def _texts(archive: zipfile.ZipFile) -> list[str]:
    return [name for name in archive.NameToInfo if name.endswith(".txt") and "/" not in name and name != _CLASSES]


def _database(path: Path, backend: str) -> Pictures:
    database = open_database(path, backend)
    count = database.count if isinstance(database, LMDBFile) else None
    if count == 0:
        raise DataError(f"{path}: the database is empty")
    return Pictures(str(path), count, lambda: (_record_picture(path, record) for record in database.records()))


def _record_picture(path: Path, record: Record) -> Picture:
    name = f"{path}: key {record.key.decode('utf-8', 'backslashreplace')}"
    read = partial(_datum_pixels, record, name)
    return Picture(name, read, lambda: parse_datum(record.read(), name).label)


def _datum_pixels(record: Record, name: str, colour: Colour) -> np.ndarray:
    pixels = datum_image(parse_datum(record.read(), name), name, colour).transpose(1, 2, 0)
    wanted = 1 if colour == "gray" else 3
    if pixels.shape[2] == 1:
        return np.repeat(pixels, wanted, 2)
    if pixels.shape[2] != wanted:
        raise BrokenPictureError(f"{name}: it has {pixels.shape[2]} channels, and {wanted} are needed")
    return pixels


def _named(name: str, sets: StrPath | None) -> Pictures:
    """The parts of a named set, one after the other."""
    if os.sep in name or name in ("", ".", ".."):
        raise DataError(f"{name}: there is no such folder, listing, zip or database")
    try:
        sources = set_sources(name, data_folder(sets))
    except DataError as error:
        raise DataError(
            f"'{name}' is no folder or file here, and not found as the name of an image set: {error}"
        ) from None
    listing = name.rsplit("-", 1)[-1] + ".txt"
    parts = [_listing(source / listing, None) if source.is_dir() else _zip(source, listing) for source in sources]
    count = sum(part.count for part in parts if part.count is not None)
    return Pictures(name, count, lambda: (picture for part in parts for picture in part))
