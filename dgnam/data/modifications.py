"""Modify pictures as for the control networks of the paper's Sec. 3.5: shuffled quarters, other channels, blur.

A control network has 2N classes: N of regular pictures, and the same N of pictures modified in one way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np
from PIL import Image, ImageFilter

from ..errors import DgnamError, closest

BLUR_RADIUS = 3.0
"""The radius of the Gaussian blur, in pixels of a picture `BLUR_SIDE` wide."""
BLUR_SIDE = 256
_ORDERS = np.array(list(permutations(range(4)))[1:])
"""All orders of four quarters other than their own."""


def shuffled(images: np.ndarray, places: Sequence[int] | None = None) -> np.ndarray:
    """Each picture with its quarters in a random order, never their own; (N, H, W, 3) uint8.

    The place of a picture in its dataset decides the order.  H and W must be even.
    """
    count, height, width, channels = images.shape
    if height % 2 or width % 2:
        raise DgnamError(f"pictures of {height}x{width} have no quarters; height and width must be even")
    drawn = [np.random.default_rng(place).integers(len(_ORDERS)) for place in _places(images, places)]
    orders = _ORDERS[np.array(drawn, np.intp)]
    halves = images.reshape(count, 2, height // 2, 2, width // 2, channels)
    quarters = halves.transpose(0, 1, 3, 2, 4, 5).reshape(count, 4, height // 2, width // 2, channels)
    mixed = quarters[np.arange(count)[:, None], orders].reshape(count, 2, 2, height // 2, width // 2, channels)
    return np.ascontiguousarray(mixed.transpose(0, 1, 3, 2, 4, 5).reshape(images.shape))


def brg(images: np.ndarray, places: Sequence[int] | None = None) -> np.ndarray:
    """The channels in the order blue, red, green, where they were red, green, blue; (N, H, W, 3) uint8."""
    return np.ascontiguousarray(images[..., [2, 0, 1]])


def blurred(images: np.ndarray, places: Sequence[int] | None = None) -> np.ndarray:
    """Each picture under a Gaussian blur of `BLUR_RADIUS`, scaled from `BLUR_SIDE` to its width; (N, H, W, 3) uint8."""
    blur = ImageFilter.GaussianBlur(BLUR_RADIUS * images.shape[2] / BLUR_SIDE)
    out = np.empty_like(images)
    for result, image in zip(out, images, strict=True):
        result[:] = np.asarray(Image.fromarray(image).filter(blur))
    return out


Modification = Callable[[np.ndarray, Sequence[int] | None], np.ndarray]
MODIFICATIONS: dict[str, Modification] = {"shuffled": shuffled, "brg": brg, "blur": blurred}
"""By name what is done to pictures; `modify` takes their places, too."""


def modify(images: np.ndarray, how: str, places: Sequence[int] | None = None) -> np.ndarray:
    """The pictures, (N, H, W, 3) uint8 RGB, under the modification `how`.

    places: the place of each picture in its dataset; None for 0 … N - 1.
    """
    check_modification(how)
    return MODIFICATIONS[how](images, places)


def check_modification(how: str) -> None:
    """Raise DgnamError unless `how` names a modification."""
    if how not in MODIFICATIONS:
        raise DgnamError(f"there is no modification '{how}'; there are: {closest(how, MODIFICATIONS)}")


def _places(images: np.ndarray, places: Sequence[int] | None) -> Sequence[int]:
    return range(len(images)) if places is None else places
