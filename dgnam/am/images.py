"""From an image to a picture and its file, in our way and in that of the published code.

Images are (3, h, w) float32, BGR, mean-subtracted; pictures (h, w, 3) uint8, RGB.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..files.paths import replacing
from .objectives import Objective, Unit
from .settings import Settings

LIMIT = 120.0
"""The displayed range around the mean: -LIMIT is black, LIMIT white."""

CONV5_OFFSET, CONV5_SIZE = 32, 163
"""Receptive field of a conv5 unit at (6, 6) within 227x227, as in the published figure."""

_LONGEST_SLUG = 80


def picture(image: np.ndarray) -> np.ndarray:
    """The picture of an image: [-120, 120] becomes [0, 255]."""
    return np.rint(_unit_range(image) * 255).astype(np.uint8)


def published_picture(image: np.ndarray) -> np.ndarray:
    """The published code's picture: clipped to [-120, 120], then each image's own range becomes [0, 255].

    The old `scipy.misc.imsave` stretched images so; an image of one color becomes black.
    """
    values = _unit_range(image)
    low, high = values.min(), values.max()
    scale = 255 / (high - low) if high > low else 255.0
    return (np.clip((values - low) * scale, 0, 255) + 0.5).astype(np.uint8)


def conv5_crop(pixels: np.ndarray) -> np.ndarray:
    """The part (163, 163, 3) of a 227x227 picture that shows a conv5 unit at (6, 6)."""
    shown = slice(CONV5_OFFSET, CONV5_OFFSET + CONV5_SIZE)
    return pixels[shown, shown]


def save_png(path: str | Path, pixels: np.ndarray, texts: Mapping[str, str] | None = None) -> None:
    """Write a picture as PNG, with `texts` in its metadata."""
    info = PngInfo()
    for key, text in ({} if texts is None else texts).items():
        info.add_text(key, text)
    with replacing(path) as partial:
        Image.fromarray(pixels).save(partial, format="PNG", pnginfo=info)


def save_jpeg(path: str | Path, pixels: np.ndarray) -> None:
    """Write a picture as JPEG of quality 75, as the published code did."""
    with replacing(path) as partial:
        Image.fromarray(pixels).save(partial, format="JPEG", quality=75)


def file_name(objective: Objective, settings: Settings, seed: int, suffix: str = ".jpg") -> str:
    """The published name of an image's file: `fc8_0643_200_0.99_8.0__0.jpg`.

    Layer (`/` as `_`), unit, n_iters, L2, start_lr, seed, without the position of a convolutional unit.  For an
    objective other than a unit, its text replaces layer and unit.
    """
    layer_and_unit = _unit_stem(objective) if isinstance(objective, Unit) else _slug(objective)
    l2, start_lr = settings.regularizer.label, float(settings.schedule.start)
    return f"{layer_and_unit}_{settings.n_iters:02d}_{l2}_{start_lr}__{seed}{suffix}"


def objective_stem(objective: Objective) -> str:
    """A file name for what is about an objective: `fc8_0643` of a unit without a position, else its text."""
    return _unit_stem(objective) if isinstance(objective, Unit) and objective.xy is None else _slug(objective)


def _unit_stem(unit: Unit) -> str:
    return f"{unit.layer.replace('/', '_')}_{unit.index:04d}"


def _slug(objective: Objective) -> str:
    """The text of an objective with `_` for characters unsuitable in file names, truncated."""
    return re.sub(r"[^\w.@+-]", "_", str(objective))[:_LONGEST_SLUG]


def save(
    folder: str | Path, image: np.ndarray, unit: Unit, settings: Settings, seed: int, published: bool = False
) -> Path:
    """Write an image into `folder` under its published name, as PNG or in the published way; returns the path."""
    path = Path(folder) / file_name(unit, settings, seed, ".jpg" if published else ".png")
    if published:
        save_jpeg(path, published_picture(image))
    else:
        save_png(path, picture(image))
    return path


def _unit_range(image: np.ndarray) -> np.ndarray:
    """(h, w, 3) float64, RGB: [-LIMIT, LIMIT] as [0, 1], clipped."""
    rgb = image[::-1].transpose(1, 2, 0).astype(np.float64)
    return (np.clip(rgb, -LIMIT, LIMIT) + LIMIT) / (2 * LIMIT)
