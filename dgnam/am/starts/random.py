"""The published start: a random code from each seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class RandomStart:
    """The published start: N(0, 1) from each seed."""

    def codes(self, seeds: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
        return np.concatenate([random_code(seed, (1, *shape)) for seed in seeds])

    def as_dict(self) -> dict[str, Any]:
        return {"start": "random"}


def random_code(seed: int, shape: Sequence[int]) -> np.ndarray:
    """N(0, 1) of `shape`, float32: the values of `np.random.seed(seed); np.random.normal(0, 1, shape)`."""
    return np.random.RandomState(seed).normal(0, 1, tuple(shape)).astype(np.float32)
