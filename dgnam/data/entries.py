"""What each kind of dataset provides: its pictures one after the other, and by index."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from .picture import DataError, Picture

NO_LABEL = np.iinfo(np.int64).min
"""What stands in an array of labels for a picture without one."""

_LUMA = (4899, 9617, 1868)
"""The weights of red, green and blue, of 14 bits."""


class Entries(ABC):
    """The pictures of a folder, a listing, a zip, a database or arrays, in a fixed order.

    what: the name of the source in errors.
    classes: the names of the classes; () if there are none.
    """

    what: str
    classes: tuple[str, ...] = ()

    @property
    def stored_channels(self) -> int | None:
        """The channels of pictures that are stored as numbers, by the first one; None for picture files."""
        return None

    @property
    def native_channels(self) -> int | None:
        """The channels with which Caffe's Data layer reads a database's first picture; None for picture files."""
        return None

    @abstractmethod
    def __iter__(self) -> Iterator[Picture]:
        """The pictures, of which none is kept."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are; may take a pass over them."""

    @abstractmethod
    def __getitem__(self, place: int) -> Picture:
        """The picture at this place, 0 ≤ place < len."""

    @property
    def count(self) -> int | None:
        """How many there are, where it is known without a pass over them."""
        return len(self)

    @cached_property
    def labels(self) -> np.ndarray:
        """The labels (N,) int64, `NO_LABEL` for pictures without one."""
        labels = (picture.label for picture in self)
        return np.fromiter((NO_LABEL if label is None else label for label in labels), np.int64)

    def check_labels(self) -> None:
        """Raise DataError unless pictures have labels of 0 or more, as far as that is known without reading them."""
        return


class Chained(Entries):
    """Several parts, one after the other."""

    def __init__(self, what: str, parts: Sequence[Entries]):
        self.what, self.parts, self.classes = what, parts, parts[-1].classes

    def __iter__(self) -> Iterator[Picture]:
        for part in self.parts:
            yield from part

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, place: int) -> Picture:
        part = int(np.searchsorted(self._ends, place, side="right"))
        return self.parts[part][place - int(self._ends[part - 1]) if part else place]

    @property
    def count(self) -> int | None:
        known = [part.count for part in self.parts]
        return None if None in known else sum(count for count in known if count is not None)

    @cached_property
    def labels(self) -> np.ndarray:
        return np.concatenate([part.labels for part in self.parts])

    def check_labels(self) -> None:
        for part in self.parts:
            part.check_labels()

    @cached_property
    def _ends(self) -> np.ndarray:
        return np.cumsum([len(part) for part in self.parts])


class Arrays(Entries):
    """Decoded pictures in memory.

    images: (N, H, W, 3) uint8 RGB; labels: (N,) int64.
    """

    def __init__(self, what: str, images: np.ndarray, labels: np.ndarray, classes: tuple[str, ...] = ()):
        if len(images) != len(labels):
            raise DataError(f"{what}: {len(images)} pictures and {len(labels)} labels; give one label to each picture")
        self.what, self.images, self.classes = what, images, classes
        self.given = labels

    def __iter__(self) -> Iterator[Picture]:
        return (self[place] for place in range(len(self)))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> Picture:
        image, given = self.images[place], int(self.given[place])
        label = None if given == NO_LABEL else given

        def load(gray: bool) -> tuple[np.ndarray, int | None]:
            return (_gray(image) if gray else image), label

        return Picture(f"{self.what}: picture {place}", load, lambda: label, image.tobytes)

    @cached_property
    def labels(self) -> np.ndarray:
        return np.asarray(self.given, np.int64)

    def check_labels(self) -> None:
        if (self.labels < 0).any():
            raise DataError(f"{self.what}: has pictures without a label of 0 or more")


def _gray(image: np.ndarray) -> np.ndarray:
    """The luminance of an RGB picture, (H, W, 1), as OpenCV computes it; where the channels agree, their value."""
    weighted = image.astype(np.int32) @ np.array(_LUMA, np.int32)
    return (weighted + (1 << 13) >> 14).astype(np.uint8)[..., None]
