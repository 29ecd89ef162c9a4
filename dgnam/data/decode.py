"""Decode picture files, the same way for all that reads pictures: 8 bits a channel, RGB or gray, upright.

What OpenCV reads is decoded as OpenCV (and so Caffe) does it: 16 bits become the upper 8, CMYK becomes RGB, alpha is
dropped, palettes are applied.  The orientation stated by the EXIF data is applied to all kinds of files; Caffe's own
layers, which don't come here, apply that of JPEGs only.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..errors import DgnamError
from ..files.images import KINDS
from ..files.paths import existing_file
from .picture import LARGEST_FILE, BrokenPictureError

_PIECE = 1 << 20


def decode_picture(encoded: bytes, what: str, *, gray: bool = False) -> np.ndarray:
    """The bytes of a picture file as (H, W, 3) uint8 RGB or, with `gray`, (H, W, 1) uint8.

    what: the name of the picture in errors, which are BrokenPictureErrors.
    """
    from ..caffe.images.cv_codec import decode_image

    try:
        pixels = decode_image(encoded, what, "gray" if gray else "color", kinds=KINDS, upright=KINDS)
    except DgnamError as error:
        raise BrokenPictureError(str(error)) from None
    return np.ascontiguousarray(pixels[..., ::-1])


def read_picture(path: str | os.PathLike[str], *, gray: bool = False) -> np.ndarray:
    """A picture file as (H, W, 3) uint8 RGB or, with `gray`, (H, W, 1) uint8; raises FormatError or DgnamError."""
    return decode_picture(picture_bytes(path), str(path), gray=gray)


def picture_bytes(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a picture file; folders, devices, pipes and files over `LARGEST_FILE` are refused."""
    file = existing_file(path)
    try:
        encoded = _up_to(file, LARGEST_FILE)
    except OSError as error:
        raise BrokenPictureError(f"{path}: cannot be read ({error.strerror})") from None
    if len(encoded) > LARGEST_FILE:
        raise BrokenPictureError(f"{path}: is larger than {LARGEST_FILE} bytes")
    return encoded


def file_size(path: str | os.PathLike[str]) -> int | None:
    """The bytes of a file; None where there is none."""
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return None


def _up_to(file: Path, most: int) -> bytes:
    """The whole file, or a little more than `most` bytes of it."""
    with open(file, "rb") as stream:
        size = min(os.fstat(stream.fileno()).st_size, most)
        encoded = stream.read(size + 1)
        while size < len(encoded) <= most and (more := stream.read(_PIECE)):  # it grows, or doesn't tell its size
            encoded += more
        return encoded
