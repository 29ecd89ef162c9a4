"""Pictures cut into quarters: their orders, and what a judge makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from dgnam.data.preprocessing import preprocess
from dgnam.measure import BaseJudge, seam_energy

ORDERS = tuple(permutations(range(4)))
"""Of the four quarters, the first as they are."""


def in_order(pictures: np.ndarray, order: Sequence[int]) -> np.ndarray:
    """Pictures (N, h, w, 3) with their quarters, counted row by row, in another order; sides are even."""
    count, height, width, channels = pictures.shape
    shape = (count, 2, height // 2, 2, width // 2, channels)
    quarters = pictures.reshape(shape).transpose(0, 1, 3, 2, 4, 5).reshape(count, 4, height // 2, width // 2, channels)
    there = quarters[:, list(order)].reshape(count, 2, 2, height // 2, width // 2, channels)
    return np.ascontiguousarray(there.transpose(0, 1, 3, 2, 4, 5).reshape(pictures.shape))


def put_together(pictures: np.ndarray) -> np.ndarray:
    """Each picture (N, h, w, 3) uint8 with its quarters in that order which leaves the least seams between them."""
    orders = [in_order(pictures, order) for order in ORDERS]
    best = np.stack([seam_energy(arranged) for arranged in orders]).argmin(0)
    return np.stack([orders[order][place] for place, order in enumerate(best)])


def gain_of_order(judge: BaseJudge, pictures: np.ndarray, classes: Sequence[int] | np.ndarray) -> np.ndarray:
    """By how much the best other order raises the logarithm of the class's probability, (N,), in nats.

    pictures: (N, h, w, 3) uint8 RGB, of the judge's size.
    Below 0 where none does.  What is cut up gains more than what isn't, which gains a little by the choice of the best.
    """
    as_is, *others = (judge.rank(preprocess(in_order(pictures, order)), classes).log_probability for order in ORDERS)
    return np.asarray(np.max(others, axis=0) - as_is)
