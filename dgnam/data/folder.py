"""Folders of pictures: those in the folder and in the folders below, in the order of their names.

Where each picture lies in a folder of the first level, those folders are the classes, in the order of their names.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from .decode import decode_picture, file_size, picture_bytes
from .entries import NO_LABEL, Entries
from .picture import SUFFIXES, DataError, Picture, is_picture


class Folder(Entries):
    """The pictures of a folder.

    Access by index holds the names of all pictures; going through them those of one folder at each level.
    """

    def __init__(self, path: Path):
        self.path, self.what = path, str(path)
        self._count, loose = 0, None
        for file in _files(path, ()):
            self._count += 1
            if file.parent == path:
                loose = file
        if not self._count:
            raise DataError(f"{path}: neither it nor a folder in it has a picture ({', '.join(SUFFIXES)})")
        self._loose = loose
        self.classes = () if loose is not None else _classes(path)
        self._number = {name: number for number, name in enumerate(self.classes)}

    def __iter__(self) -> Iterator[Picture]:
        return map(self._picture, _files(self.path, ()))

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> Picture:
        return self._picture(self.path / self._names[place])

    @cached_property
    def labels(self) -> np.ndarray:
        if not self.classes:
            return np.full(len(self), NO_LABEL)
        return np.array([self._number[name.split("/", 1)[0]] for name in self._names], np.int64)

    def check_labels(self) -> None:
        if self._loose is not None:
            raise DataError(
                f"{self.path}: {self._loose.name} has no label, since it does not lie in a folder of its class"
            )

    @cached_property
    def _names(self) -> list[str]:
        names = [file.relative_to(self.path).as_posix() for file in _files(self.path, ())]
        self._count = len(names)
        return names

    def _picture(self, path: Path) -> Picture:
        def label() -> int | None:
            return self._number.get(path.relative_to(self.path).parts[0]) if self.classes else None

        def load(gray: bool) -> tuple[np.ndarray, int | None]:
            return decode_picture(picture_bytes(path), str(path), gray=gray), label()

        return Picture(str(path), load, label, partial(picture_bytes, path), partial(file_size, path))


def _files(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """The pictures in `folder` and below; links are followed, but not to one of the folders `above`."""
    real = folder.resolve()
    if real in above:
        return
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(entry, (*above, real))
        elif is_picture(entry.name):
            yield entry


def _classes(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")))
