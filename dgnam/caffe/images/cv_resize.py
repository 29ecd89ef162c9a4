"""OpenCV's default resizing (cv::INTER_LINEAR on bytes), bit-exact.

Pixel centers lie at half-integers: output x samples the input at (x + 0.5) * scale - 0.5.  The weights of the two
neighbors are rounded to 11 bits; rows are interpolated exactly, columns with truncations by 4 and then 16 bits before
the final rounding.  Halving both sides averages four pixels instead, as OpenCV does for that ratio.
"""

from __future__ import annotations

import numpy as np

from ...errors import CaffeError

_ONE = 1 << 11


def resize_bilinear(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize (H, W, C) uint8 → (height, width, C) uint8."""
    rows, columns = image.shape[:2]
    if min(rows, columns, height, width) < 1:
        raise CaffeError(f"an image of {rows}x{columns} pixels can't be resized to {height}x{width}")
    if (rows, columns) == (height, width):
        return image
    if (rows, columns) == (2 * height, 2 * width):
        return _halve(image)
    left, right, from_left, from_right = _neighbors(columns, width, clamp=True)
    top, bottom, from_top, from_bottom = _neighbors(rows, height, clamp=False)
    channels = image.shape[2]
    used, where = np.unique(np.concatenate([top, bottom]), return_inverse=True)
    # Flat rows, since numpy is slow along an axis of three.
    source = image[used].reshape(len(used), -1).astype(np.int32)
    flat_left, flat_right = ((at[:, None] * channels + np.arange(channels)).ravel() for at in (left, right))
    lines = source.take(flat_left, 1) * from_left.repeat(channels)
    lines += source.take(flat_right, 1) * from_right.repeat(channels)
    lines >>= 4
    upper, lower = lines[where[:height]], lines[where[height:]]
    upper *= from_top[:, None]
    lower *= from_bottom[:, None]
    mixed = (upper >> 16) + (lower >> 16)
    return (mixed + 2 >> 2).astype(np.uint8).reshape(height, width, channels)


def _halve(image: np.ndarray) -> np.ndarray:
    wide = image.astype(np.int32)
    total = wide[::2, ::2] + wide[::2, 1::2] + wide[1::2, ::2] + wide[1::2, 1::2]
    return (total + 2 >> 2).astype(np.uint8)


def _neighbors(size: int, wanted: int, *, clamp: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return, for each output position, the two neighboring input positions and their 11-bit weights.

    clamp: whether weights at the border are clamped too, as horizontally; vertically only positions are clamped, and
        the border pixel's two rounded weights add up.
    """
    scale = 1.0 / (wanted / size)
    place = ((np.arange(wanted) + 0.5) * scale - 0.5).astype(np.float32)
    first = np.floor(place).astype(np.int64)
    part = place - first.astype(np.float32)
    if clamp:
        part = np.where((first < 0) | (first >= size - 1), np.float32(0), part)
    weights = [np.rint(w * np.float32(_ONE)).astype(np.int32) for w in (np.float32(1) - part, part)]
    return np.clip(first, 0, size - 1), np.clip(first + 1, 0, size - 1), weights[0], weights[1]
