"""Datasets: the pictures of a folder, a listing, a zip, a database or a named set, one after the other or by index.

    dataset = open_dataset("photos")
    for picture in dataset:                                  # streaming: one picture is held at a time
        pixels = picture.read()                              # (H, W, 3) uint8 RGB
    pictures, labels = open_dataset("tinyimagenet64-train").take(np.arange(64))

What is named, and in which order its pictures come:

    photos                             a folder: its pictures and those below, by name; its folders are the classes
    ilsvrc12/train.txt                 a listing: a line `path label` or `path` for each picture, in its order
    photos.zip                         a zip: what its listing names, or all its pictures, in the zip's order
    places.zip/train.txt               the same with the listing chosen
    ilsvrc12/train_lmdb                a database of Datums, LMDB or LevelDB, by key
    tinyimagenet64-train               a named set of the data folder
    tinyimagenet64-train[:100]         only its first 100 classes
    tinyimagenet64-train[::10]         every tenth of its pictures, beginning with the first
    tinyimagenet64-train+shuffled      its pictures, and again, as more classes, the same pictures modified

Relative paths are taken from the working directory or else from the data folder.  A name that is an existing path in
the working directory is that path.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol

import numpy as np

from ..files.paths import StrPath
from .database import Database, database_kind
from .entries import NO_LABEL, Arrays, Entries
from .folder import Folder
from .listing import open_listing
from .modifications import check_modification, modify
from .named_set import DATA_VARIABLE, data_folder, find_set, open_named_set
from .picture import DataError, Picture
from .zip_file import open_zip

_SOURCE = re.compile(
    r"(?P<base>[^\[\]+]+)(?:\[:(?:(?P<classes>[0-9]{1,9})|:(?P<step>[1-9][0-9]{0,8}))\])?(?:\+(?P<how>[^\[\]+]+))?"
)


class Indexed(Protocol):
    """Labeled pictures of one size, by index: a Dataset, or clips made of one."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""

    def __len__(self) -> int: ...

    def take(self, places: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pictures (n, H, W, 3) uint8 RGB and labels (n,) int64 at these places."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Pictures in a fixed order.

    name: the text that it was opened by.
    classes: the names of the classes, indexed by labels; () if they are not known.
    resize: (height, width) of the pictures that `take` returns, bilinear as in OpenCV; None leaves them as they are.
    gray: whether `take` reads pictures as Caffe reads gray ones; each of the three channels then has that value.
    """

    name: str
    entries: Entries
    classes: tuple[str, ...] = ()
    resize: tuple[int, int] | None = None
    gray: bool = False
    places: np.ndarray | None = None
    """The places in `entries` that it consists of; None for all."""

    @classmethod
    def of_arrays(
        cls, name: str, images: np.ndarray, labels: np.ndarray | None = None, classes: tuple[str, ...] = ()
    ) -> Dataset:
        """Decoded pictures (N, H, W, 3) uint8 RGB with their labels (N,) or without."""
        given = np.full(len(images), NO_LABEL) if labels is None else np.asarray(labels, np.int64)
        return cls(name, Arrays(name, images, given, classes), classes)

    @property
    def stored_channels(self) -> int | None:
        """The channels of a database's pictures that are stored as numbers, by the first one.

        None for picture files, which can be read in color and in gray.
        """
        return self.entries.stored_channels

    @property
    def native_channels(self) -> int | None:
        """The channels with which Caffe's Data layer reads a database's first picture; None for picture files."""
        return self.entries.native_channels

    @property
    def count(self) -> int | None:
        """How many pictures there are; None for a LevelDB, which `len` goes through to count them."""
        return self.entries.count if self.places is None else len(self.places)

    def __len__(self) -> int:
        return len(self.entries) if self.places is None else len(self.places)

    def __iter__(self) -> Iterator[Picture]:
        return iter(self.entries) if self.places is None else map(self.__getitem__, range(len(self.places)))

    def __getitem__(self, place: int) -> Picture:
        count = len(self)
        if not -count <= place < count:
            raise IndexError(f"{self.name}: picture {place} of {count}")
        place %= count
        return self.entries[place if self.places is None else int(self.places[place])]

    @cached_property
    def labels(self) -> np.ndarray | None:
        """The labels (N,) int64; None if a picture has none.  Those of a database take a pass over it."""
        labels = self._all_labels
        return None if (labels == NO_LABEL).any() else labels

    @cached_property
    def size(self) -> tuple[int, int]:
        """Height and width, by the first picture."""
        if self.resize is not None:
            return self.resize
        if isinstance(self.entries, Arrays):
            return self.entries.images.shape[1], self.entries.images.shape[2]
        height, width = self[0].read(self.gray).shape[:2]
        return height, width

    def take(self, places: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pictures (n, H, W, 3) uint8 RGB and labels (n,) int64 at these places.

        Files are decoded by as many threads as there are processors.  Raises DataError for pictures that differ in size
        or have no label of 0 or more.
        """
        chosen = np.arange(len(self))[places]
        _ = self._labels_checked
        if isinstance(self.entries, Arrays) and self.resize is None and not self.gray:
            inner = chosen if self.places is None else self.places[chosen]
            return self.entries.images[inner], self.entries.labels[inner]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(self._labeled, chosen.tolist()))
        height, width = self.size
        pictures = np.empty((len(found), height, width, 3), np.uint8)
        for out, (picture, _), place in zip(pictures, found, chosen, strict=True):
            if picture.shape[:2] != self.size:
                raise DataError(
                    f"{self.name}: picture {place} is {picture.shape[0]}x{picture.shape[1]}, and the first one "
                    f"{height}x{width}: give new_height and new_width"
                )
            out[:] = picture
        return pictures, np.array([label for _, label in found], np.int64)

    def in_memory(self) -> Dataset:
        """The same pictures, all decoded; they must have one size."""
        return Dataset.of_arrays(self.name, *self.take(slice(None)), self.classes)

    def of_class(self, label: int) -> Dataset:
        """The pictures with this label."""
        return self._chosen(f"{self.name}, label {label}", self._all_labels == label)

    def first_classes(self, count: int) -> Dataset:
        """The pictures of classes 0 … count - 1."""
        labels = self._all_labels
        chosen = self._chosen(self.name, (labels >= 0) & (labels < count))
        if not len(chosen):
            raise DataError(f"{self.name}: no picture is of the first {count} classes")
        return replace(chosen, classes=self.classes[:count])

    def part(self, places: range) -> Dataset:
        """The pictures at these places."""
        inner = np.array(range(len(self))[places.start : places.stop : places.step], np.int64)
        return replace(self, places=inner if self.places is None else self.places[inner])

    def at(self, places: np.ndarray) -> Dataset:
        """The pictures at these places (n,), in their order."""
        return replace(self, places=self._all_places[places])

    def every(self, step: int) -> Dataset:
        """Pictures 0, step, 2 step, …"""
        return replace(self, places=self._all_places[::step])

    def with_modified(self, how: str) -> Dataset:
        """The pictures, and after them the same ones modified, under labels that follow the regular ones.

        how: one of `modifications.MODIFICATIONS`.
        """
        check_modification(how)
        entries = _Modified(self, how)
        return Dataset(entries.what, entries, entries.classes, gray=self.gray)

    def half(self, which: int) -> Dataset:
        """Of a dataset with modified pictures the regular ones (0) or the modified ones (1)."""
        middle = len(self) // 2
        return replace(self, places=self._all_places[which * middle : (which + 1) * middle])

    @property
    def _all_places(self) -> np.ndarray:
        return np.arange(len(self.entries)) if self.places is None else self.places

    @cached_property
    def _all_labels(self) -> np.ndarray:
        return self.entries.labels if self.places is None else self.entries.labels[self.places]

    @cached_property
    def _labels_checked(self) -> bool:
        self.entries.check_labels()
        return True

    def _chosen(self, name: str, wanted: np.ndarray) -> Dataset:
        return replace(self, name=name, places=self._all_places[wanted])

    def _labeled(self, place: int) -> tuple[np.ndarray, int]:
        """A picture of bytes and its label."""
        picture = self[place]
        pixels, label = self._resized(picture, self.gray)
        if label is None or label < 0:
            found = "no label" if label is None else f"the label {label}"
            raise DataError(f"{picture.name}: has {found}; give each picture one of 0 or more")
        return pixels, label

    def _resized(self, picture: Picture, gray: bool) -> tuple[np.ndarray, int | None]:
        """A picture of bytes in its final size, with three channels or one, and its label."""
        from ..caffe.images.cv_resize import resize_bilinear

        pixels, label = picture.load(gray)
        if pixels.dtype != np.uint8:
            raise DataError(f"{picture.name}: has numbers of {pixels.dtype}; needed are bytes")
        return (pixels if self.resize is None else resize_bilinear(pixels, *self.resize)), label


class _Modified(Entries):
    """The pictures of a dataset, and after them the same ones modified."""

    def __init__(self, regular: Dataset, how: str):
        self.what, self._regular, self._how = f"{regular.name}+{how}", regular, how
        self.classes = (*regular.classes, *(f"{name} ({how})" for name in regular.classes))

    def __iter__(self) -> Iterator[Picture]:
        return (self[place] for place in range(len(self)))

    def __len__(self) -> int:
        return 2 * len(self._regular)

    def __getitem__(self, place: int) -> Picture:
        second, place = divmod(place, len(self._regular))
        picture = self._regular[place]
        name = f"{picture.name} ({self._how})" if second else picture.name
        load = partial(self._load, place, bool(second))
        return Picture(name, load, lambda: self._label(picture.label, bool(second)), picture.stored, picture.stamp)

    @cached_property
    def labels(self) -> np.ndarray:
        first = self._regular._all_labels
        return np.concatenate([first, np.where(first == NO_LABEL, first, first + self._first_modified)])

    @property
    def stored_channels(self) -> int | None:
        return self._regular.stored_channels

    @property
    def native_channels(self) -> int | None:
        return self._regular.native_channels

    def check_labels(self) -> None:
        self._regular.entries.check_labels()

    @cached_property
    def _first_modified(self) -> int:
        return max(len(self._regular.classes), int(self._regular._all_labels.max()) + 1)

    def _label(self, label: int | None, second: bool) -> int | None:
        return label + self._first_modified if second and label is not None else label

    def _load(self, place: int, second: bool, gray: bool) -> tuple[np.ndarray, int | None]:
        pixels, label = self._regular._resized(self._regular[place], gray)
        if second:
            whole = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
            pixels = modify(np.ascontiguousarray(whole[None]), self._how, [place])[0][..., : pixels.shape[2]]
        return pixels, self._label(label, second)


def open_dataset(
    source: StrPath,
    *,
    folder: StrPath | None = None,
    root: StrPath | None = None,
    listing: str | None = None,
    resize: tuple[int, int] | None = None,
    gray: bool = False,
) -> Dataset:
    """The pictures that `source` names, as this module describes it.

    folder: the data folder; None takes `$DGNAM_DATA`.
    root: put before the paths of a listing; None takes the listing's folder.
    listing: the listing in a zip that has several.
    resize, gray: see `Dataset`.

    Raises DataError or DgnamError if there are no such pictures.
    """
    name = os.fspath(source)
    if os.path.exists(name):
        entries = _open(name, folder, root, listing)
        return Dataset(name, entries, entries.classes, resize, gray)
    parts = _SOURCE.fullmatch(name)
    if parts is None:
        raise DataError(
            f"'{name}' is not of the form NAME, NAME[:CLASSES] or NAME[::STEP], with +MODIFICATION behind it"
        )
    if parts["how"] is not None:
        check_modification(parts["how"])
    entries = _open(parts["base"], folder, root, listing)
    dataset = Dataset(name, entries, entries.classes, resize, gray)
    if parts["classes"] is not None:
        dataset = dataset.first_classes(int(parts["classes"]))
    if parts["step"] is not None:
        dataset = dataset.every(int(parts["step"]))
    return dataset if parts["how"] is None else replace(dataset.with_modified(parts["how"]), name=name)


def _open(base: str, folder: StrPath | None, root: StrPath | None, listing: str | None) -> Entries:
    is_path = os.sep in base or Path(base).suffix != ""
    tried = [Path(base)]
    if is_path and not Path(base).is_absolute() and (folder is not None or DATA_VARIABLE in os.environ):
        tried.append(data_folder(folder) / base)
    for path in tried:
        if os.path.exists(path):
            return _open_path(path, root, listing)
        if os.path.isfile(path.parent) and zipfile.is_zipfile(path.parent):
            _without(base, "a listing in a zip", root=root, listing=listing)
            return open_zip(path.parent, path.name)
    if os.sep in base or base in ("", ".", ".."):
        raise DataError(
            f"{base}: there is no such folder, listing, zip or database (tried {', '.join(map(str, tried))})"
        )
    _without(base, "not a file here", root=root, listing=listing)
    try:
        found = find_set(base, data_folder(folder))
    except DataError as error:
        raise DataError(f"'{base}' is not a folder or file here, nor the name of an image set: {error}") from None
    return open_named_set(base, found)


def _open_path(path: Path, root: StrPath | None, listing: str | None) -> Entries:
    if path.is_dir():
        _without(str(path), "a folder", root=root, listing=listing)
        kind = database_kind(path)
        return Folder(path) if kind is None else Database(path, kind)
    if path.is_file() and zipfile.is_zipfile(path):
        _without(str(path), "a zip", root=root)
        return open_zip(path, listing)
    _without(str(path), "not a zip", listing=listing)
    return open_listing(path, root)


def _without(source: str, kind: str, **options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise DataError(f"{source} is {kind}, and {name} is for {'zips' if name == 'listing' else 'listings'}")
