"""From an optimized image to a picture file: ours, and as the published code saved it.

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
from .objectives.objective import Objective, Unit
from .settings import Settings

# What is shown of the values around the mean: -LIMIT is black and LIMIT white.
LIMIT = 120.0

# The part of a conv5 unit's 227x227 image that it can see, as the published figure shows it: offset and size.
CONV5_OFFSET, CONV5_SIZE = 32, 163

_LONGEST_SLUG = 80


def picture(image: np.ndarray) -> np.ndarray:
    """The picture of an image: [-120, 120] becomes [0, 255], the same for every image."""
    return np.rint(_unit_range(image) * 255).astype(np.uint8)


def published_picture(image: np.ndarray) -> np.ndarray:
    """The picture that the published code saved: after the cut to [-120, 120], each image's own range becomes [0, 255].

    The old `scipy.misc.imsave` stretched it so; an image of one colour comes out black.
    """
    values = _unit_range(image)
    low, high = values.min(), values.max()
    scale = 255 / (high - low) if high > low else 255.0
    return (np.clip((values - low) * scale, 0, 255) + 0.5).astype(np.uint8)


def conv5_crop(pixels: np.ndarray) -> np.ndarray:
    """The part (163, 163, 3) of a 227x227 picture that a conv5 unit at (6, 6) is shown by."""
    shown = slice(CONV5_OFFSET, CONV5_OFFSET + CONV5_SIZE)
    return pixels[shown, shown]


def save_png(path: str | Path, pixels: np.ndarray, texts: Mapping[str, str] | None = None) -> None:
    """Write a picture as PNG, and `texts` with it."""
    info = PngInfo()
    for key, text in ({} if texts is None else texts).items():
        info.add_text(key, text)
    with replacing(path) as partial:
        Image.fromarray(pixels).save(partial, format="PNG", pnginfo=info)


def save_jpeg(path: str | Path, pixels: np.ndarray) -> None:
    """Write a picture as JPEG of quality 75, as the published ones are."""
    with replacing(path) as partial:
        Image.fromarray(pixels).save(partial, format="JPEG", quality=75)


def file_name(objective: Objective, settings: Settings, seed: int, suffix: str = ".jpg") -> str:
    """The name of an image's file, as published: `fc8_0643_200_0.99_8.0__0.jpg`.

    Layer (`/` as `_`), unit, n_iters, L2, start_lr, seed; the position of a convolutional unit is not in it.  Of an
    objective that isn't a single unit, its text takes the place of layer and unit.
    """
    layer_and_unit = (
        f"{objective.layer.replace('/', '_')}_{objective.index:04d}"
        if isinstance(objective, Unit)
        else _slug(objective)
    )
    l2, start_lr = settings.regularisation.label, float(settings.schedule.start)
    return f"{layer_and_unit}_{settings.n_iters:02d}_{l2}_{start_lr}__{seed}{suffix}"


def _slug(objective: Objective) -> str:
    """The text of an objective with what files can't be called by as `_`, cut where it is long."""
    return re.sub(r"[^\w.@+-]", "_", str(objective))[:_LONGEST_SLUG]


def save(
    folder: str | Path, image: np.ndarray, unit: Unit, settings: Settings, seed: int, published: bool = False
) -> Path:
    """Write an image into `folder` under its published name, as PNG, or the published way; returns the file's path."""
    path = Path(folder) / file_name(unit, settings, seed, ".jpg" if published else ".png")
    if published:
        save_jpeg(path, published_picture(image))
    else:
        save_png(path, picture(image))
    return path


def _unit_range(image: np.ndarray) -> np.ndarray:
    """(h, w, 3) float64, RGB: [-LIMIT, LIMIT] as [0, 1], and what lies beyond at its ends."""
    rgb = image[::-1].transpose(1, 2, 0).astype(np.float64)
    return (np.clip(rgb, -LIMIT, LIMIT) + LIMIT) / (2 * LIMIT)
