"""What a data layer's `source` names: pictures with labels.

    tinyimagenet64-train                   a set of the data folder, as `dgnam.data` finds it
    tinyimagenet64-train[:100]             only its first 100 classes
    tinyimagenet64-train[::10]             every tenth of its pictures, from the first on
    tinyimagenet64-train[:100]+shuffled    100 classes, and again as classes 100 … 199 their pictures, modified
    ilsvrc12/train.txt                     a listing of Caffe's
    places.zip/train.txt                   a listing in a zip, of pictures in it
    ilsvrc12/train_lmdb                    a database; or a folder that has a folder of pictures for each class

What has a slash or a suffix is a path, taken from the working directory or else from the data folder; the rest are
names of sets.
"""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from .image_set import DataError, ImageSet, data_folder, set_sources
from .modifications import check_modification, modify
from .pictures_on_disk import PicturesOnDisk, open_files, open_path

IN_MEMORY = 4 << 30
"""The bytes of decoded pictures up to which a source is read into memory as a whole."""

_SOURCE = re.compile(
    r"(?P<base>[^\[\]+]+)(?:\[:(?:(?P<classes>[0-9]{1,9})|:(?P<step>[1-9][0-9]{0,8}))\])?(?:\+(?P<how>[^\[\]+]+))?"
)


class Source(Protocol):
    """Labelled pictures of one size, in memory or on the disk."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""

    def __len__(self) -> int: ...

    def take(self, places: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pictures (n, H, W, 3) uint8 RGB and labels (n,) int64 at these places."""


def load_source(
    source: str,
    folder: str | os.PathLike[str] | None = None,
    *,
    root: str | None = None,
    resize: tuple[int, int] | None = None,
    gray: bool = False,
) -> Source:
    """The pictures that `source` names; raises DataError or DgnamError where there are none.

    folder: the data folder; None takes `$DGNAM_DATA`.
    root: put before a listing's paths; None takes the listing's folder.
    resize: (height, width) that each picture is brought to; None takes them as they are.
    gray: whether they are read as gray ones; see `PicturesOnDisk`.
    """
    parts = _SOURCE.fullmatch(source)
    if parts is None:
        raise DataError(
            f"source '{source}' is not of the form NAME, NAME[:CLASSES] or NAME[::STEP], and +MODIFICATION behind it"
        )
    how = parts["how"]
    if how is not None:
        check_modification(how)
    pictures = replace(_open(parts["base"], folder, root, resize), name=source, gray=gray)
    if parts["classes"] is not None:
        pictures = pictures.first_classes(int(parts["classes"]))
    if parts["step"] is not None:
        pictures = pictures.every(int(parts["step"]))
    height, width = pictures.size
    if len(pictures) * height * width * 3 * (1 if how is None else 2) > IN_MEMORY:
        return pictures if how is None else ModifiedOnDisk(pictures, how)
    images = pictures.in_memory()
    return images if how is None else with_modified(images, how)


def _open(
    base: str, folder: str | os.PathLike[str] | None, root: str | None, resize: tuple[int, int] | None
) -> PicturesOnDisk:
    if os.sep not in base and not Path(base).suffix:
        return open_files(base, set_sources(base, data_folder(folder)), base.rsplit("-", 1)[-1] + ".txt", resize)
    tried = [Path(base)]
    if not Path(base).is_absolute() and (folder is not None or "DGNAM_DATA" in os.environ):
        tried.append(data_folder(folder) / base)
    for path in tried:
        if path.exists():
            return open_path(path, root, resize)
        if path.parent.is_file() and zipfile.is_zipfile(path.parent):
            return open_files(base, [path.parent], path.name, resize)
    raise DataError(f"source '{base}': there is no {' and no '.join(str(path) for path in tried)}")


def with_modified(images: ImageSet, how: str) -> ImageSet:
    """The pictures, and after them the same modified, under labels that follow the regular ones."""
    regular = int(images.labels.max()) + 1
    names = (*images.classes, *(f"{name} ({how})" for name in images.classes))
    both = np.concatenate([images.images, modify(images.images, how)])
    return ImageSet(images.name, both, np.concatenate([images.labels, images.labels + regular]), names)


@dataclass(frozen=True)
class ModifiedOnDisk:
    """`with_modified` for pictures that are read as they are needed."""

    regular: PicturesOnDisk
    how: str

    @property
    def name(self) -> str:
        return self.regular.name

    @property
    def size(self) -> tuple[int, int]:
        return self.regular.size

    def __len__(self) -> int:
        return 2 * len(self.regular)

    def take(self, places: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.regular.labels is None:
            raise DataError(f"{self.name}: of a database the number of classes isn't known; give a listing instead")
        chosen = np.arange(len(self))[places]
        second = chosen >= len(self.regular)
        images, labels = self.regular.take(chosen % len(self.regular))
        images[second] = modify(images[second], self.how, list(chosen[second] - len(self.regular)))
        return images, labels + np.where(second, self.regular.labels.max() + 1, 0)


@dataclass(frozen=True)
class Half:
    """Of a set with modified pictures, the regular ones (which = 0) or the modified ones (1)."""

    whole: Source
    which: int

    @property
    def name(self) -> str:
        return self.whole.name

    @property
    def size(self) -> tuple[int, int]:
        return self.whole.size

    def __len__(self) -> int:
        return len(self.whole) // 2

    def take(self, places: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.whole.take(np.arange(len(self))[places] + self.which * len(self))
