"""Class activation maps, exact for networks that end in global average pooling, and the blobs in them (M6).

B. Zhou, A. Khosla, A. Lapedriza, A. Oliva, A. Torralba: Learning deep features for discriminative localization.
CVPR 2016.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..am.checks import whole_number
from ..errors import ArrayError
from .arrays import Floats, finite, same_length, whole_numbers


def class_activation_maps(features: Any, weights: Any, classes: Any) -> Floats:
    """The evidence (N, h, w) for each picture's class at each position; its mean plus the class's bias is the score.

    features: (N, K, h, w), what the global average pooling takes in (`res5b` of judge-mini).
    weights: (C, K) of the layer that follows it (`fc`).
    classes: (N,) int.
    """
    maps, rows = finite(features, "features", 4), finite(weights, "weights", 2)
    places = whole_numbers(classes, "classes")
    same_length(features=maps, classes=places)
    if rows.shape[1] != maps.shape[1]:
        raise ArrayError(f"weights {rows.shape} are not for features {maps.shape} of {maps.shape[1]} channels")
    if places.min() < 0 or places.max() >= len(rows):
        raise ArrayError(f"classes: whole numbers from 0 to {len(rows) - 1} are needed")
    return np.asarray(np.einsum("nkhw,nk->nhw", maps, rows[places]), np.float64)


@dataclass(frozen=True, eq=False)
class Blobs:
    """counts: (N,) int, number of separate blobs; largest: (N,), the share of their area in the largest one."""

    counts: np.ndarray
    largest: Floats


def find_blobs(maps: Any, size: tuple[int, int] | None = None) -> Blobs:
    """The connected regions above half of each map's maximum; pixels that touch at a corner only are not connected.

    maps: (N, h, w).  A map without a positive value has no blob, and share 0: the class is seen nowhere, which is not
        less fragmented than one blob.
    size: interpolate the maps bilinearly to this height and width first.
    """
    from scipy.ndimage import label

    found = finite(maps, "maps", 3)
    found = found if size is None else _resized(found, *_sides(size))
    counts, largest = np.zeros(len(found), np.int64), np.zeros(len(found))
    for place, values in enumerate(found):
        if values.max() <= 0:
            continue
        regions, counts[place] = label(values > values.max() / 2)
        areas = np.bincount(regions.ravel())[1:]
        largest[place] = areas.max() / areas.sum()
    return Blobs(counts, largest)


def _sides(size: Any) -> tuple[int, int]:
    try:
        height, width = size
    except (TypeError, ValueError):
        raise ArrayError(f"size {size!r}: give a height and a width") from None
    return whole_number("height", height, 1), whole_number("width", width, 1)


def _resized(maps: Floats, *size: int) -> Floats:
    import torch

    return torch.nn.functional.interpolate(torch.from_numpy(maps)[:, None], size, mode="bilinear")[:, 0].numpy()
