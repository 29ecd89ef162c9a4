"""Labelled pictures that are read from the disk when a batch needs them, as many at once as there are processors.

For sets that don't fit into memory, such as the whole of ImageNet; `source.py` takes smaller ones into memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ..caffe.databases.datum import datum_image, parse_datum
from ..caffe.databases.db import open_database
from ..caffe.databases.lmdb_file import DATA_FILE
from ..caffe.images.cv_image import decode_image
from ..caffe.images.cv_resize import resize_bilinear
from ..errors import DgnamError
from .image_set import DataError, ImageSet, class_names, decode_rgb, file_of, listed, reader_of
from .pictures import SUFFIXES

Labelled = Callable[[bool], tuple[np.ndarray, int]]
"""Reads a picture, (H, W, 3) uint8 RGB, and its label; where the argument is true, three times its gray."""


@dataclass(frozen=True)
class PicturesOnDisk:
    """Labelled pictures, to be read one by one.

    labels: (n,) where they are known without reading the pictures, as a listing's are and a database's aren't.
    resize: (height, width) that each is brought to, bilinearly as OpenCV does it; None leaves them, of one size all.
    gray: whether they are read as Caffe reads gray pictures, and have that in each of the three channels.
    """

    name: str
    entries: Sequence[Labelled]
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    resize: tuple[int, int] | None = None
    gray: bool = False

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def size(self) -> tuple[int, int]:
        """Height and width, by the first picture."""
        height, width = self._read(0)[0].shape[:2]
        return height, width

    def take(self, places: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pictures (n, H, W, 3) uint8 RGB and labels (n,) int64 at these places."""
        chosen = range(len(self))[places] if isinstance(places, slice) else [int(place) for place in places]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(self._read, chosen))
        for place, (image, _) in zip(chosen, found, strict=True):
            if image.shape[:2] != self.size:
                raise DataError(
                    f"{self.name}: picture {place} is {image.shape[0]}x{image.shape[1]}, and the first one "
                    f"{self.size[0]}x{self.size[1]}: give new_height and new_width"
                )
        return np.stack([image for image, _ in found]), np.array([label for _, label in found], np.int64)

    def first_classes(self, count: int) -> PicturesOnDisk:
        """The pictures of classes 0 … count - 1."""
        if self.labels is None:
            raise DataError(f"{self.name}: a database's labels aren't known before it is read; give a listing instead")
        kept = np.flatnonzero(self.labels < count)
        if not len(kept):
            raise DataError(f"{self.name}: no picture is of the first {count} classes")
        entries = [self.entries[int(place)] for place in kept]
        return replace(self, entries=entries, labels=self.labels[kept], classes=self.classes[:count])

    def every(self, step: int) -> PicturesOnDisk:
        """Pictures 0, step, 2 step, …"""
        labels = None if self.labels is None else self.labels[::step]
        return replace(self, entries=self.entries[::step], labels=labels)

    def in_memory(self) -> ImageSet:
        """All of them, decoded."""
        return ImageSet(self.name, *self.take(slice(None)), self.classes)

    def _read(self, place: int) -> tuple[np.ndarray, int]:
        image, label = self.entries[place](self.gray)
        return (image if self.resize is None else resize_bilinear(image, *self.resize)), label


def open_files(
    name: str, sources: Sequence[Path], listing: str, resize: tuple[int, int] | None = None
) -> PicturesOnDisk:
    """What the listing of that name in each of the zips or folders `sources` names, one after the other."""
    entries: list[Labelled] = []
    labels: list[int] = []
    classes: tuple[str, ...] = ()
    for source in sources:
        read = reader_of(source)
        classes = class_names(read, source)
        for path, label in listed(read, listing, source):
            entries.append(_file(read, source, path, label))
            labels.append(label)
    if not entries:
        raise DataError(f"{sources[0]}: its listing {listing} is empty")
    return PicturesOnDisk(name, entries, np.array(labels), classes, resize)


def open_path(path: Path, root: str | None = None, resize: tuple[int, int] | None = None) -> PicturesOnDisk:
    """The pictures of a listing of Caffe's, of a folder with a folder for each class, or of a database.

    root: put before a listing's paths; None takes the listing's folder.
    """
    if path.is_file():
        return _listing(path, root, resize)
    for backend, mark in (("lmdb", DATA_FILE), ("leveldb", "CURRENT")):
        if (path / mark).is_file():
            return _database(path, backend, resize)
    return _class_folders(path, resize)


def _file(read: Callable[[str], bytes], source: Path, path: str, label: int) -> Labelled:
    return lambda gray: (_decoded(file_of(read, path, source), f"{source}: {path}", gray), label)


def _listing(path: Path, root: str | None, resize: tuple[int, int] | None) -> PicturesOnDisk:
    folder = path.parent if root is None else Path(root)
    read = reader_of(path.parent)
    lines = list(listed(read, path.name, path))
    if not lines:
        raise DataError(f"{path}: the listing is empty")
    entries = [_listed_file(path, folder / line.lstrip("/"), label) for line, label in lines]
    return PicturesOnDisk(str(path), entries, np.array([label for _, label in lines]), resize=resize)


def _listed_file(listing: Path, file: Path, label: int) -> Labelled:
    def read(gray: bool) -> tuple[np.ndarray, int]:
        try:
            return _decoded(file.read_bytes(), str(file), gray), label
        except OSError as error:
            raise DataError(f"{listing}: {file} can't be read ({error.strerror}); is it under another root?") from None

    return read


def _decoded(encoded: bytes, what: str, gray: bool) -> np.ndarray:
    if not gray:
        return decode_rgb(encoded, what)
    try:
        return np.repeat(decode_image(encoded, what, "gray"), 3, 2)
    except DgnamError as error:
        raise DataError(str(error)) from None


def _class_folders(path: Path, resize: tuple[int, int] | None) -> PicturesOnDisk:
    classes = sorted(entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    read = reader_of(path)
    files = [
        (f"{name}/{file.name}", label)
        for label, name in enumerate(classes)
        for file in sorted((path / name).iterdir())
        if file.name.lower().endswith(SUFFIXES) and not file.name.startswith(".")
    ]
    if not files:
        raise DataError(f"{path}: it is no database, and has no folders of pictures, one for each class")
    entries = [_file(read, path, file, label) for file, label in files]
    return PicturesOnDisk(str(path), entries, np.array([label for _, label in files]), tuple(classes), resize)


def _database(path: Path, backend: str, resize: tuple[int, int] | None) -> PicturesOnDisk:
    records = list(open_database(path, backend).records())
    if not records:
        raise DataError(f"{path}: the database is empty")

    def entry(key: bytes, value: Callable[[], bytes]) -> Labelled:
        what = f"{path}: key {key.decode('utf-8', 'backslashreplace')}"
        return lambda gray: _datum(value(), what, gray)

    return PicturesOnDisk(str(path), [entry(record.key, record.read) for record in records], resize=resize)


def _datum(encoded: bytes, what: str, gray: bool) -> tuple[np.ndarray, int]:
    try:
        datum = parse_datum(encoded, what)
        pixels = datum_image(datum, what, "gray" if gray else "colour").transpose(1, 2, 0)
    except DgnamError as error:
        raise DataError(str(error)) from None
    wanted = 1 if gray else 3
    if pixels.dtype != np.uint8 or pixels.shape[2] != wanted:
        other = pixels.dtype == np.uint8 and pixels.shape[2] in (1, 3)
        hint = f"; give force_gray: {str(not gray).lower()}" if other else ""
        raise DataError(f"{what}: has {pixels.shape[2]} channels of {pixels.dtype}; needed are {wanted} of bytes{hint}")
    return np.repeat(pixels[..., ::-1], 3 // wanted, 2), datum.label
