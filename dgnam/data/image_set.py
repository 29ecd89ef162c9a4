"""Image sets: pictures with labels, from Caffe's listings in folders and zips.

A listing is a text file with a line `path label` for each picture.  A set is named `BASE-SPLIT`, such as
`tinyimagenet64-train`, and looked for in the data folder as a zip `BASE-SPLIT.zip`, as parts `BASE-SPLIT-0.zip`,
`BASE-SPLIT-1.zip`, …, and then as a zip or a folder `BASE` that holds all splits.  Within, `SPLIT.txt` is the listing,
and `classes.txt` has a line `id name` for each class.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from ..errors import DgnamError, FormatError, closest, shortened
from ..files.archives import Zip, too_large
from ..files.images import open_image
from ..files.paths import existing_file
from .catalog import PUBLIC_SETS, public_set

LARGEST_FILE = 1 << 28
"""Bytes of a picture or a listing."""
_LONGEST_LABEL = 9

MEAN_BGR = (104.0, 117.0, 123.0)
"""What CaffeNet's preprocessing takes off each channel: blue, green, red."""


class DataError(FormatError):
    """A set of images is missing or broken; the message says which, where it was looked for, and what would do."""


@dataclass(frozen=True)
class ImageSet:
    """Pictures of one size, decoded.

    images: (N, H, W, 3) uint8 RGB.
    labels: (N,) int64, indices into `classes`.
    classes: the classes' names, or () where the set brings none.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.images.shape[1], self.images.shape[2]

    def take(self, places: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pictures (n, H, W, 3) and labels (n,) at these places."""
        return self.images[places], self.labels[places]


def data_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """The folder that image sets are looked for in: the one given, else `$DGNAM_DATA`."""
    chosen = folder if folder is not None else os.environ.get("DGNAM_DATA")
    if chosen is None:
        raise DataError("no data folder: give one with --data, or set the environment variable DGNAM_DATA")
    if not Path(chosen).is_dir():
        raise DataError(f"the data folder {chosen} is not a folder")
    return Path(chosen)


def load_set(name: str, folder: str | os.PathLike[str] | None = None) -> ImageSet:
    """Read and decode the set `name`; its pictures must have one size."""
    sources = set_sources(name, data_folder(folder))
    listing = name.rsplit("-", 1)[-1] + ".txt"
    images: list[np.ndarray] = []
    labels: list[int] = []
    classes: tuple[str, ...] = ()
    for source in sources:
        read = reader_of(source)
        classes = class_names(read, source)
        for path, label in listed(read, listing, source):
            images.append(decode_rgb(file_of(read, path, source), f"{source}: {path}"))
            labels.append(label)
            if images[-1].shape != images[0].shape:
                raise DataError(f"{source}: {path} is {images[-1].shape[:2]}, and the first one {images[0].shape[:2]}")
    if not images:
        raise DataError(f"{sources[0]}: its listing {listing} is empty")
    return ImageSet(name, np.stack(images), np.asarray(labels, np.int64), classes)


def crop(images: np.ndarray, size: int, tops: np.ndarray, lefts: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Cut a square of `size` out of each picture, turned left to right where `mirror` says so.

    images: (N, H, W, 3); tops, lefts: (N,) offsets; mirror: (N,) bool.  Returns (N, size, size, 3).
    """
    cut = np.empty((len(images), size, size, 3), images.dtype)
    for out, image, top, left, flip in zip(cut, images, tops, lefts, mirror, strict=True):
        window = image[top : top + size, left : left + size]
        out[:] = window[:, ::-1] if flip else window
    return cut


def centre(outer: tuple[int, int], inner: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of the window `inner` in the middle of `outer`: it starts at (outer - inner) // 2."""
    if inner[0] > outer[0] or inner[1] > outer[1]:
        raise DgnamError(f"no {inner[0]}x{inner[1]} window fits into an image of {outer[0]}x{outer[1]}")
    top, left = (outer[0] - inner[0]) // 2, (outer[1] - inner[1]) // 2
    return slice(top, top + inner[0]), slice(left, left + inner[1])


def centre_crop(images: np.ndarray, size: int) -> np.ndarray:
    """The middle of each picture: (N, H, W, 3) → (N, size, size, 3)."""
    return images[(slice(None), *centre((images.shape[1], images.shape[2]), (size, size)))]


def preprocess(images: np.ndarray, mean: tuple[float, float, float] = MEAN_BGR) -> np.ndarray:
    """Pictures as Caffe's networks take them: (N, H, W, 3) uint8 RGB → (N, 3, H, W) float32 BGR, mean-subtracted."""
    bgr = images[..., ::-1].astype(np.float32) - np.asarray(mean, np.float32)
    return np.ascontiguousarray(bgr.transpose(0, 3, 1, 2))


def deprocess(images: np.ndarray, mean: tuple[float, float, float] = MEAN_BGR) -> np.ndarray:
    """The way back: (N, 3, H, W) BGR, mean-subtracted → (N, H, W, 3) uint8 RGB, rounded and clipped to 0..255."""
    bgr = images.transpose(0, 2, 3, 1) + np.asarray(mean, np.float32)
    return np.clip(np.rint(bgr[..., ::-1]), 0, 255).astype(np.uint8)


def set_sources(name: str, folder: Path) -> list[Path]:
    """The zips or the folder that hold the set `name`, in order."""
    whole = folder / f"{name}.zip"
    if whole.is_file():
        return [whole]
    parts = sorted(folder.glob(f"{name}-*.zip"), key=lambda p: (len(p.name), p.name))
    if parts:
        return parts
    base = name.rpartition("-")[0]
    for candidate in (folder / f"{base}.zip", folder / base):
        if base and candidate.exists():
            return [candidate]
    whole_set = f", and there is no {base}.zip or folder {base}" if base else ""
    known = public_set(name)
    if known is None:
        names = (f"{known.name}-train" for known in PUBLIC_SETS)
        origin = f"; sets that are known, the closest first: {closest(name, names)}"
    else:
        origin = f". {known.origin}"
    raise DataError(
        f"no image set '{name}' in {folder}: there is no {name}.zip, there are no parts {name}-0.zip …"
        f"{whole_set}{origin}"
    )


def reader_of(source: Path) -> Callable[[str], bytes]:
    """A function from a path within `source`, a zip or a folder, to the file's bytes."""
    if source.is_dir():
        return lambda path: _in_folder(source, path)
    try:
        return Zip(source, LARGEST_FILE).read
    except DgnamError as error:
        raise DataError(str(error)) from None


def _in_folder(source: Path, path: str) -> bytes:
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise FormatError(f"{source}: '{shortened(path)}' leads out of the folder")
    file = existing_file(source / path)
    size = file.stat().st_size
    if size > LARGEST_FILE:
        raise too_large(source, path, LARGEST_FILE)
    return file.read_bytes()


def file_of(read: Callable[[str], bytes], path: str, source: Path) -> bytes:
    """A file of `source`; a DataError names both where it can't be read."""
    try:
        return read(path)
    except DgnamError as error:
        named = str(source) in str(error)
        raise DataError(str(error) if named else f"{source}: {shortened(path)} can't be read ({error})") from None
    except OSError as error:
        raise DataError(f"{source}: {shortened(path)} can't be read ({error})") from None


def _text(read: Callable[[str], bytes], path: str, source: Path) -> str:
    try:
        return file_of(read, path, source).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{source}: {path} is no text ({error})") from None


def listed(read: Callable[[str], bytes], path: str, source: Path) -> Iterator[tuple[str, int]]:
    """The pictures and labels of the listing `path`."""
    for number, line in enumerate(_text(read, path, source).splitlines(), 1):
        picture, _, label = line.strip().rpartition(" ")
        if not picture or not (label.isascii() and label.isdigit() and len(label) <= _LONGEST_LABEL):
            raise DataError(f"{source}: {path}, line {number}: '{shortened(line)}' is not of the form 'path label'")
        yield picture, int(label)


def class_names(read: Callable[[str], bytes], source: Path) -> tuple[str, ...]:
    """The names in classes.txt, without the ids before them; () where there is no such file."""
    try:
        lines = _text(read, "classes.txt", source).splitlines()
    except DataError:
        return ()
    return tuple(line.split(" ", 1)[-1] for line in lines)


def decode_rgb(encoded: bytes, what: str) -> np.ndarray:
    """A picture file as (H, W, 3) uint8 RGB; a DataError says what it is of."""
    try:
        with open_image(io.BytesIO(encoded)) as image:
            return np.asarray(image.convert("RGB"))
    except Exception as error:  # Pillow's many readers fail on damaged files in as many ways
        raise DataError(f"{what}: not a readable picture ({shortened(str(error), 300)})") from None
