"""Pillow's functions with their old defaults: sizes and places may be floats, and halves round up."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from .items import cut

_LUMA = np.array([299, 587, 114])
"""What red, green and blue add to a gray level, in thousandths."""


def is_picture(value: Any) -> bool:
    """Whether a value is an object of Pillow."""
    return type(value).__module__.startswith("PIL.")


def resize(picture: Any, size: Any, resample: Any = 0, *given: Any, **named: Any) -> Any:
    """`picture.resize(…)`, by the nearest pixels by default."""
    return picture.resize(tuple(map(cut, size)), resample, *given, **named)


def thumbnail(picture: Any, size: Any, resample: Any = 3) -> None:
    """`picture.thumbnail(…)`, bicubic by default, whose sides are cut off to whole numbers."""
    width, height = picture.size
    if width > size[0]:
        width, height = int(size[0]), int(max(height * size[0] // width, 1))
    if height > size[1]:
        width, height = int(max(width * size[1] // height, 1)), int(size[1])
    picture.draft(None, (width, height))
    if picture.size != (width, height):
        picture.im = picture.resize((width, height), resample).im
        picture._size = (width, height)


def crop(picture: Any, box: Any = None) -> Any:
    """`picture.crop(box)`."""
    return picture.crop(None if box is None else tuple(math.floor(place + 0.5) for place in box))


def convert(picture: Any, mode: Any = None, *given: Any, **named: Any) -> Any:
    """`picture.convert(…)`, whose gray levels are cut off to whole numbers."""
    if mode != "L" or picture.mode not in ("RGB", "RGBA", "RGBX") or given or named:
        return picture.convert(mode, *given, **named)
    gray = np.asarray(picture)[..., :3] @ _LUMA // 1000
    return Image.fromarray(gray.astype(np.uint8))


def point(picture: Any, lut: Any, mode: Any = None) -> Any:
    """`picture.point(…)`, whose table is cut off to whole numbers."""
    if picture.mode in ("F", "I", "I;16") or isinstance(lut, Image.ImagePointHandler):
        return picture.point(lut, mode)
    table = [lut(level) for level in range(256)] * len(picture.getbands()) if callable(lut) else lut
    return picture.point(list(map(cut, table)), mode)


def paste(picture: Any, im: Any, box: Any = None, mask: Any = None) -> None:
    """`picture.paste(…)`."""
    picture.paste(im, tuple(map(cut, box)) if isinstance(box, list | tuple) else box, mask)


def save(picture: Any, file: Any, format: Any = None, **options: Any) -> None:
    """`picture.save(…)`, of whole numbers of 32 bits as a PNG of 16."""
    whole = picture.mode == "I" and (format or str(file).rpartition(".")[2]).lower() == "png"
    (picture.convert("I;16") if whole else picture).save(file, format, **options)


METHODS = {one.__name__: one for one in (convert, crop, paste, point, resize, save, thumbnail)}


def fit(picture: Any, size: Any, method: Any = 0, *given: Any, **named: Any) -> Any:
    """`ImageOps.fit`, by the nearest pixels by default."""
    return ImageOps.fit(picture, size, method, *given, **named)


def scale(picture: Any, factor: float, resample: Any = 0) -> Any:
    """`ImageOps.scale`, by the nearest pixels by default."""
    return picture.resize(tuple(math.floor(side * factor + 0.5) for side in picture.size), resample)


def grayscale(picture: Any) -> Any:
    """`ImageOps.grayscale`."""
    return convert(picture, "L")


FUNCTIONS = {one.__name__: one for one in (fit, grayscale, scale)}
"""Those of `PIL.ImageOps`."""
