"""How much a score depends on the arrangement of a picture's patches (M6).

Fragments of texture survive a permutation of patches, an object does not (after W. Brendel, M. Bethge: Approximating
CNNs with bag-of-local-features models. ICLR 2019, who scramble textures).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..am.checks import whole_number
from ..errors import ArrayError
from .arrays import Floats, as_numpy, finite, random_generator, same_length


def permute_patches(images: Any, *, grid: int = 4, seed: int = 0) -> np.ndarray:
    """Each picture with its grid x grid patches in a random order, never their own.

    images: (N, C, H, W) of any type; H and W are multiples of `grid`.
    seed: of the orders; call with several seeds and average.
    """
    found, grid = as_numpy(images, "images"), whole_number("grid", grid, 2)
    if found.ndim != 4 or found.size == 0 or found.shape[2] % grid or found.shape[3] % grid:
        raise ArrayError(
            f"images {found.shape}: (N, C, H, W) is needed, of one picture or more, with H and W multiples of {grid}"
        )
    count, channels, height, width = found.shape
    h, w = height // grid, width // grid
    patches = (
        found.reshape(count, channels, grid, h, grid, w).transpose(0, 2, 4, 1, 3, 5).reshape(count, -1, channels, h, w)
    )
    draw = random_generator(seed)
    orders = np.stack([_order(grid * grid, draw) for _ in range(count)])
    mixed = patches[np.arange(count)[:, None], orders].reshape(count, grid, grid, channels, h, w)
    return np.ascontiguousarray(mixed.transpose(0, 3, 1, 4, 2, 5).reshape(found.shape))


def permutation_drop(scores: Any, permuted: Any) -> Floats:
    """By how much each picture's score falls when its patches are permuted, (N,); subtract that of real pictures.

    scores: (N,), such as the judge's log-probability of the class.
    permuted: (N,) or (N, P), of one or several permutations.
    """
    whole, mixed = finite(scores, "scores", 1), finite(permuted, "permuted", 1, 2)
    same_length(scores=whole, permuted=mixed)
    return whole - mixed.reshape(len(mixed), -1).mean(1)


def _order(count: int, draw: np.random.Generator) -> np.ndarray:
    while True:
        order = draw.permutation(count)
        if (order != np.arange(count)).any():
            return order
