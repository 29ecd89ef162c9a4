"""How much a judge needs a picture's whole: blobs of its class activation map, and what permuted patches cost."""

from __future__ import annotations

import numpy as np

from dgnam.data.preprocessing import center_window
from dgnam.measure import BaseJudge, class_activation_maps, find_blobs, permutation_drop, permute_patches

from .pictures import Pictures

GRID = 4
"""Patches along a side."""

PERMUTATIONS = 5
"""Each picture's patches are permuted so often."""

MAP_SIZE = (28, 28)
"""Class activation maps are interpolated to this, or small ones would have too few places for blobs."""


def blobs(judge: BaseJudge, pictures: Pictures) -> np.ndarray:
    """(units, seeds): the number of separate regions where a judge sees a picture's class."""
    maps = class_activation_maps(judge.maps(pictures.images), judge.class_weights, pictures.classes)
    return pictures.by_unit(find_blobs(maps, MAP_SIZE).counts)


def permutation_drops(judge: BaseJudge, pictures: Pictures) -> np.ndarray:
    """(units, seeds): by how much the log-probability of a picture's class falls when its patches are permuted.

    Where a picture can't be cut into equal patches, as one of 227 pixels, that is of the largest part that can.
    """
    height, width = (side - side % GRID for side in pictures.images.shape[2:])
    images = pictures.images[(..., *center_window(pictures.images.shape[2:], (height, width)))]
    whole = judge.rank(images, pictures.classes).log_probability
    mixed = [
        judge.rank(permute_patches(images, grid=GRID, seed=seed), pictures.classes).log_probability
        for seed in range(PERMUTATIONS)
    ]
    return pictures.by_unit(permutation_drop(whole, np.stack(mixed, 1)))
