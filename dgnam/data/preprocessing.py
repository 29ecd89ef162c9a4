"""From pictures to what a network takes, and back: resize, crop, subtract the mean, reorder the channels.

A picture is uint8 RGB, (H, W, 3); what a network takes is an image, float32 BGR, (3, H, W), mean-subtracted.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DgnamError, FormatError, closest, shortened
from ..files.paths import existing_file
from .picture import DataError

MEAN_BGR = (104.0, 117.0, 123.0)
"""CaffeNet's mean of each channel, which its preprocessing subtracts: blue, green, red."""

Size = tuple[int, int]
"""Height and width."""

STRETCH, COVER, NONE = "stretch", "cover", "none"
RESIZES = {
    STRETCH: "to the size before the crop, whatever the picture's proportions, as Caffe's copies of ImageNet are",
    COVER: "until the picture just covers that size, proportions kept",
    NONE: "not at all",
}
"""The ways to resize."""

_LONGEST = 1 << 16
_MOST_MEAN = 1 << 28
_MOST_OBLONG = 100
"""How many times as long as wide a picture may be, so that its resized form stays in memory."""


@dataclass(frozen=True)
class Preprocessing:
    """From a picture to a network's input: `(values - mean) * scale` of the center of the resized picture.

    crop: (height, width) of the input.
    size: (height, width) that pictures are resized to before the crop; no smaller.
    mean: (C,) values of [0, 255], or a mean image (C, H, W) whose center is taken; in the order of `channels`.
    resize: one of `RESIZES`; bilinear on bytes, as in OpenCV.
    channels: the order that the network takes, BGR or RGB.
    """

    crop: Size
    size: Size
    mean: np.ndarray = field(compare=False)
    scale: float = 1.0
    resize: str = STRETCH
    channels: str = "BGR"

    def __post_init__(self) -> None:
        check_channels(self.channels)
        if self.resize not in RESIZES:
            raise DgnamError(f"resize '{self.resize}': give one of {closest(self.resize, RESIZES)}")
        if not _covers(self.size, self.crop):
            raise DgnamError(f"pictures of {_text(self.size)} have no crop of {_text(self.crop)}, which the net takes")
        if self.mean.ndim not in (1, 3) or (self.mean.ndim == 3 and not _covers(self.mean.shape[1:], self.crop)):
            raise DgnamError(
                f"the mean has shape {self.mean.shape}; needed is a value for each channel, or an image (C, H, W) of "
                f"at least {_text(self.crop)}"
            )

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """One picture for the network: (H, W, C) uint8 RGB or gray → (C, *crop) float32, of color in its order.

        Float pictures are cropped, but not resized.  Raises DataError for a picture that is too small for the crop.
        """
        resized = self._resized(picture)
        rows, columns = center_window((resized.shape[0], resized.shape[1]), self.crop)
        ordered = resized[rows, columns, ::-1] if self.channels == "BGR" else resized[rows, columns]
        window = ordered.transpose(2, 0, 1).astype(np.float32)
        mean = self.mean.reshape(-1, 1, 1)
        if self.mean.ndim == 3:
            mean = self.mean[(slice(None), *center_window((self.mean.shape[1], self.mean.shape[2]), self.crop))]
        return (window - mean.astype(np.float32)) * np.float32(self.scale)

    def describe(self) -> dict[str, Any]:
        """Its settings in JSON's types, with a checksum in place of a mean image."""
        mean: Any = [float(value) for value in self.mean] if self.mean.ndim == 1 else self._mean_checksum()
        size = None if self.resize == NONE else list(self.size)
        found = {"resize": self.resize, "size": size, "crop": list(self.crop), "mean": mean, "scale": self.scale}
        return found if self.channels == "BGR" else {**found, "channels": self.channels}

    def __str__(self) -> str:
        size = "" if self.resize == NONE else f" {_text(self.size)}"
        mean = "a mean image" if self.mean.ndim == 3 else ", ".join(f"{value:g}" for value in self.mean)
        scale = "" if self.scale == 1 else f", times {self.scale:g}"
        order = "" if self.channels == "BGR" else f", {self.channels}"
        return f"resize {self.resize}{size}, center {_text(self.crop)}, minus {mean}{scale}{order}"

    def _resized(self, picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[:2]
        wanted = self.size
        if self.resize == COVER:
            ratio = max(self.size[0] / height, self.size[1] / width)
            wanted = max(self.size[0], round(height * ratio)), max(self.size[1], round(width * ratio))
            if wanted[0] * wanted[1] > _MOST_OBLONG * self.size[0] * self.size[1]:
                raise DataError(f"{_text((height, width))} pixels are too oblong for resize '{COVER}'")
        if self.resize == NONE or wanted == (height, width):
            if not _covers((height, width), self.crop):
                raise DataError(f"{_text((height, width))} pixels are too few for a crop of {_text(self.crop)}")
            return picture
        from ..caffe.images.cv_resize import resize_bilinear

        if picture.dtype != np.uint8:
            raise DataError(
                f"{_text((height, width))} floats are not resized to {_text(wanted)}; resize '{NONE}' may do"
            )
        return resize_bilinear(picture, *wanted)

    def _mean_checksum(self) -> str:
        digest = hashlib.sha256(np.ascontiguousarray(self.mean, np.float32).tobytes()).hexdigest()
        return f"image {'x'.join(map(str, self.mean.shape))} float32, sha256 {digest}"


def check_channels(channels: str) -> None:
    """Raise DgnamError unless this is an order of the channels."""
    if channels not in ("RGB", "BGR"):
        raise DgnamError(f"channels '{channels}': give RGB or BGR")


def preprocess(pictures: np.ndarray, mean: tuple[float, float, float] = MEAN_BGR) -> np.ndarray:
    """Pictures as Caffe's networks take them: (N, H, W, 3) uint8 RGB → (N, 3, H, W) float32 BGR, mean-subtracted."""
    bgr = pictures[..., ::-1].astype(np.float32) - np.asarray(mean, np.float32)
    return np.ascontiguousarray(bgr.transpose(0, 3, 1, 2))


def deprocess(images: np.ndarray, mean: tuple[float, float, float] = MEAN_BGR) -> np.ndarray:
    """The way back: (N, 3, H, W) BGR, mean-subtracted → (N, H, W, 3) uint8 RGB, rounded and clipped to 0..255.

    NaN becomes the mean.
    """
    bgr = np.where(np.isnan(images), 0, images).transpose(0, 2, 3, 1) + np.asarray(mean, np.float32)
    return np.clip(np.rint(bgr[..., ::-1]), 0, 255).astype(np.uint8)


def quantized(images: np.ndarray) -> np.ndarray:
    """Images (N, 3, H, W) float32 BGR, mean-subtracted, with the values that pictures of eight bits have.

    A search finds values beyond those, which a target sees; nobody who looks at its pictures does.
    """
    return preprocess(deprocess(images))


def center_window(outer: tuple[int, int], inner: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of the window `inner` in the middle of `outer`: it starts at (outer - inner) // 2."""
    if inner[0] > outer[0] or inner[1] > outer[1]:
        raise DgnamError(f"no {inner[0]}x{inner[1]} window fits into an image of {outer[0]}x{outer[1]}")
    top, left = (outer[0] - inner[0]) // 2, (outer[1] - inner[1]) // 2
    return slice(top, top + inner[0]), slice(left, left + inner[1])


def center_crop(pictures: np.ndarray, size: Size) -> np.ndarray:
    """The middle of each picture: (N, H, W, 3) → (N, *size, 3)."""
    return pictures[(slice(None), *center_window((pictures.shape[1], pictures.shape[2]), size))]


def crop(pictures: np.ndarray, size: Size, tops: np.ndarray, lefts: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Cut a window of `size` out of each picture, flipped left to right if `mirror` says so.

    pictures: (N, H, W, 3); tops, lefts: (N,) offsets; mirror: (N,) bool.  Returns (N, *size, 3).
    """
    height, width = size
    cut = np.empty((len(pictures), height, width, 3), pictures.dtype)
    for out, picture, top, left, flip in zip(cut, pictures, tops, lefts, mirror, strict=True):
        window = picture[top : top + height, left : left + width]
        out[:] = window[:, ::-1] if flip else window
    return cut


def read_size(text: str) -> Size:
    """A size from text: `256` for a square, `240x320` for height and width."""
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isascii() and part.isdigit() and 0 < int(part) <= _LONGEST for part in parts):
        raise DgnamError(f"size '{text}': give a number such as 256, or height x width such as 240x320")
    return int(parts[0]), int(parts[-1])


def read_mean(text: str | os.PathLike[str]) -> np.ndarray:
    """A mean from text such as `104,117,123`, or from a file of Caffe's (.binaryproto) or NumPy's (.npy).

    Returns (C,) or (C, H, W) float32 in the order of the text or file, which is BGR.
    """
    from ..caffe.proto import read_blobproto

    path = Path(text)
    if path.suffix in (".binaryproto", ".npy"):
        values = read_blobproto(path) if path.suffix == ".binaryproto" else read_npy(path, "a mean", _MOST_MEAN)
        while values.ndim > 3 and values.shape[0] == 1:
            values = values[0]
        return _per_channel(values, path)
    try:
        return np.array([float(part) for part in str(text).split(",")], np.float32)
    except ValueError:
        raise DgnamError(
            f"mean '{text}': give a value for each channel, as 104,117,123, or a .binaryproto or .npy file"
        ) from None


def _per_channel(values: np.ndarray, path: Path) -> np.ndarray:
    if values.ndim == 3 and values.shape[1:] == (1, 1):
        values = values[:, 0, 0]
    if values.ndim not in (1, 3) or not np.isfinite(values).all():
        raise FormatError(f"{path}: a mean is (C,) or (C, H, W) finite numbers, and this is {values.shape}")
    return values.astype(np.float32)


def read_npy(path: Path, what: str, most_bytes: int) -> np.ndarray:
    """The numbers in a .npy file as float32; `what` they are meant to be, and the most bytes that the file may have."""
    if existing_file(path).stat().st_size > most_bytes:
        raise FormatError(f"{path}: is too large for {what}")
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
        if values.dtype.kind not in "fiub":
            raise TypeError(f"its type is {values.dtype}")
        with np.errstate(over="ignore"):  # what is too large becomes infinite
            return np.asarray(values, np.float32)
    except Exception as error:  # numpy's reader fails on damaged files in many ways
        raise FormatError(f"{path}: not a readable array of numbers ({shortened(str(error), 300)})") from None


def _covers(outer: tuple[int, ...], inner: Size) -> bool:
    return outer[0] >= inner[0] and outer[1] >= inner[1]


def _text(size: tuple[int, ...]) -> str:
    return f"{size[0]}x{size[1]}"
