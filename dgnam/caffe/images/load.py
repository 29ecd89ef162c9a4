"""pycaffe's `load_image`: picture files, read as by the scikit-image of its time."""

from __future__ import annotations

import os

import numpy as np
from PIL import Image

from ...errors import CaffeFormatError, DgnamError, shortened
from ...files.images import Source, open_image
from ...files.paths import existing_file

LUMA = (0.2125, 0.7154, 0.0721)
"""scikit-image's weights of red, green and blue in a gray value."""


class ImageFileError(CaffeFormatError, OSError):
    """An unreadable picture; the message names the file.  Also an OSError, as in pycaffe."""


class MissingImageError(ImageFileError, FileNotFoundError):
    """A missing picture file."""


def load_image(filename: Source, color: bool = True) -> np.ndarray:
    """Read a picture from a path or an open file, as float32 in [0, 1] without alpha.

    Returns (H, W, 3) RGB, with equal channels for a gray picture; with `color` False, (H, W, 1) gray by the weights
    `LUMA`.  Of several pictures in a file, the first is read.  Raises ImageFileError for an unreadable picture.
    """
    pixels = _pixels(filename)
    if color:
        image = _unit(pixels, np.float32)
        return np.tile(image[:, :, np.newaxis], (1, 1, 3)) if image.ndim == 2 else image
    if pixels.ndim == 3:
        red, green, blue = (weight * _unit(pixels[:, :, i], np.float64) for i, weight in enumerate(LUMA))
        return (red + green + blue).astype(np.float32)[:, :, np.newaxis]
    return _unit(pixels, np.float32)[:, :, np.newaxis]


def _pixels(source: Source) -> np.ndarray:
    """Return a file's stored numbers: (H, W) gray or (H, W, 3) RGB."""
    name = getattr(source, "name", "the image") if hasattr(source, "read") else os.fspath(source)
    try:
        with open_image(_openable(source)) as image:
            return _stored(image)
    except ImageFileError:
        raise
    except Exception as error:  # Pillow's many readers fail on damaged files in as many ways
        reason = shortened(str(error), 300) or type(error).__name__
        raise ImageFileError(f"{name}: not a readable picture ({reason})") from error


def _openable(source: Source) -> Source:
    """Return `source`, checked to be a readable file if it is a path."""
    if isinstance(source, str | os.PathLike):
        try:
            return existing_file(source)
        except DgnamError as error:
            missing = not os.path.exists(source)
            raise (MissingImageError if missing else ImageFileError)(str(error)) from None
    return source


def _stored(image: Image.Image) -> np.ndarray:
    if image.mode == "I" and image.format in ("PNG", "PPM"):
        return np.asarray(image).astype(np.uint16)  # how some versions of Pillow give 16 bits
    if image.mode == "F":
        pixels = np.asarray(image)
        if not (pixels.min() >= -1 and pixels.max() <= 1):
            raise ValueError("its numbers are floats, and not all between -1 and 1")
        return pixels
    if image.mode in ("L", "I") or image.mode.startswith("I;16"):
        return np.asarray(image)
    if image.mode == "1":
        return np.asarray(image.convert("L"))
    return np.asarray(image.convert("RGBA" if "transparency" in image.info else "RGB"))[:, :, :3]


def _unit(pixels: np.ndarray, dtype: type[np.floating]) -> np.ndarray:
    """Scale integers by their type's maximum; floats stay unchanged."""
    if pixels.dtype.kind == "f":
        return pixels.astype(dtype)
    top = np.iinfo(pixels.dtype).max
    if pixels.dtype.kind == "u":
        # a table, since a large picture in float64 would take eight times its memory
        return (np.arange(top + 1) * (1.0 / top)).astype(dtype)[pixels]
    return np.maximum(pixels * (1.0 / top), -1).astype(dtype)
