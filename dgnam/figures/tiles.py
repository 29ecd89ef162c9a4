"""Tiles: pictures of different sizes brought to one, so that they can stand in a grid."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .caption import PAPER

OUTSIDE = (225, 225, 225)
"""The color of what lies outside a picture."""


def tile(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture (h, w, 3) uint8 RGB, enlarged or reduced to just fit into (height, width), in the middle of paper."""
    height, width = size
    factor = min(height / picture.shape[0], width / picture.shape[1])
    inner = max(1, round(picture.shape[0] * factor)), max(1, round(picture.shape[1] * factor))
    resized = np.asarray(Image.fromarray(picture).resize((inner[1], inner[0]), Image.Resampling.BICUBIC))
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    sheet = np.full((height, width, 3), PAPER, np.uint8)
    sheet[top : top + inner[0], left : left + inner[1]] = resized
    return sheet


def padded(picture: np.ndarray, size: tuple[int, int], top: int, left: int) -> np.ndarray:
    """A picture (h, w, 3) uint8 RGB on light gray of (height, width), its first row at `top`, its column at `left`."""
    sheet = np.full((*size, 3), OUTSIDE, np.uint8)
    sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return sheet
