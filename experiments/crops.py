"""The part of a picture that a unit sees, enlarged to the size of the picture, for networks that see whole pictures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from dgnam.am import Target
from dgnam.data.preprocessing import deprocess, preprocess
from dgnam.measure.receptive_field import Box, receptive_fields

Crop = Callable[[np.ndarray], np.ndarray]
"""From images (N, 3, h, w) float32 to as many of the same size."""


def center_crop_of(target: Target, layer: str) -> Crop:
    """Cut out what the unit in the center of a layer sees, and enlarge it; all of it where a layer has no positions."""
    shape = target.layer_shape(layer)
    if len(shape) < 3:
        return lambda images: images
    (box,) = receptive_fields(target, layer, [(shape[1] // 2, shape[2] // 2)])
    return lambda images: preprocess(np.stack([enlarged(picture, box) for picture in deprocess(images)]))


def enlarged(picture: np.ndarray, box: Box) -> np.ndarray:
    """A part of a picture (h, w, 3) uint8, at the picture's size."""
    height, width = picture.shape[:2]
    return np.asarray(Image.fromarray(box.cut(picture)).resize((width, height), Image.Resampling.BICUBIC))
