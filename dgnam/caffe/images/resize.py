"""pycaffe's `resize_image`, with the results of the scikit-image of its time (0.13).

Interpolation without anti-aliasing; the picture is padded with a constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import ArrayError, optional_module

Size = Sequence[int] | np.ndarray
"""(height, width)."""


def resize_image(im: np.ndarray, new_dims: Size, interp_order: int = 1) -> np.ndarray:
    """Resize a picture (H, W, K) to `new_dims`, (height, width), as float32.

    With 1 or 3 channels pixels are areas and the padding is the picture's minimum, so enlarging darkens the edges.
    With any other number pixels are points with aligned corners, as in scipy's zoom.

    interp_order: 0 nearest, 1 linear, up to 5 splines.  Orders other than 1 need scikit-image for 1 or 3 channels.
    """
    height, width = _size(im, new_dims)
    if im.shape[-1] not in (1, 3):
        return _zoom(im, (height, width), interp_order).astype(np.float32)
    im = im if im.dtype.kind == "f" else im.astype(np.float64)  # differences of unsigned numbers would wrap
    low, high = im.min(), im.max()
    if not high > low:
        return np.full((height, width, im.shape[-1]), low, np.float32)
    unit = (im - low) / (high - low)
    resized = _linear(unit, (height, width)) if interp_order == 1 else _spline(unit, (height, width), interp_order)
    return (resized * (high - low) + low).astype(np.float32)


def resize(image: np.ndarray, output_shape: Size, order: int = 1, mode: str = "constant", **options: Any) -> np.ndarray:
    """scikit-image's `resize` with its former defaults, for scripts that use caffe.io.resize.

    image: (H, W) or (H, W, K); integers are scaled by their type's maximum.
    output_shape: (height, width), or the whole shape.
    """
    transform = optional_module("skimage.transform", "resize", "scikit-image")
    return transform.resize(image, output_shape, order=order, mode=mode, **{"anti_aliasing": False, **options})


def _size(im: np.ndarray, new_dims: Size) -> tuple[int, int]:
    size = tuple(int(n) for n in new_dims)
    if im.ndim != 3 or 0 in im.shape or len(size) != 2 or min(size) < 1:
        raise ArrayError(f"can't resize {im.shape} → {size}: expected (height, width, channels) → (height, width)")
    return size[0], size[1]


def _linear(im: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Interpolate linearly between pixel centers, with zero padding, along the width, then the height; in float64."""
    out = im.astype(np.float64)
    for axis in (1, 0):
        at = (np.arange(size[axis]) + 0.5) * (im.shape[axis] / size[axis]) - 0.5
        below = np.floor(at).astype(int)
        part = (at - below).reshape(-1, *(1,) * (im.ndim - 1 - axis))
        padded = np.pad(out, [(1, 1) if i == axis else (0, 0) for i in range(im.ndim)])
        out = (1 - part) * padded.take(below + 1, axis) + part * padded.take(below + 2, axis)
    return out


def _spline(im: np.ndarray, size: tuple[int, int], order: int) -> np.ndarray:
    """Interpolate by splines of other orders, clipped to the range of `im`, by scikit-image."""
    transform = optional_module("skimage.transform", f"resize_image with interp_order {order}", "scikit-image")
    down, across = im.shape[0] / size[0], im.shape[1] / size[1]
    matrix = np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])
    place = transform.AffineTransform(matrix)
    return transform.warp(im.astype(np.float64), place, output_shape=size, order=order, mode="constant")


def _zoom(im: np.ndarray, size: tuple[int, int], order: int) -> np.ndarray:
    ndimage = optional_module("scipy.ndimage", f"resize_image with {im.shape[-1]} channels", "scipy")
    return ndimage.zoom(im, (size[0] / im.shape[0], size[1] / im.shape[1], 1), order=order)
