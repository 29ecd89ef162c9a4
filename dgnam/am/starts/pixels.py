"""Starts in pixels: the mean color, noise around a color, or the mean of real images.

Codes are images (3, height, width), BGR, mean-subtracted.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...data.preprocessing import MEAN_BGR
from ...errors import DgnamError
from .image import read_image


@dataclass(frozen=True)
class ZeroStart:
    """0 everywhere, in pixels the mean color, for all seeds."""

    def codes(self, seeds: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros((len(seeds), *shape), np.float32)

    def as_dict(self) -> dict[str, Any]:
        return {"start": "zero"}


@dataclass(frozen=True)
class NoiseStart:
    """Independent noise for each number, drawn from the seed.

    size: its standard deviation, of pixels in gray levels of 255; the bound on both sides if uniform.
    gray: its mean, a gray of 0 to 255; None is the mean color.
    """

    size: float
    gray: float | None = None
    uniform: bool = False

    def __post_init__(self) -> None:
        gray_fits = self.gray is None or 0 <= self.gray <= 255
        if not (0 <= self.size < math.inf and gray_fits):
            raise DgnamError(f"{self}: give a finite size of at least 0, and a gray of 0 to 255 or None")

    def codes(self, seeds: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
        noise = np.stack([self._noise(seed, shape) for seed in seeds]) if len(seeds) else np.zeros((0, *shape))
        if self.gray is not None:
            _check_image(shape)
            noise = noise + self.gray - np.reshape(MEAN_BGR, (3, 1, 1))
        return noise.astype(np.float32)

    def as_dict(self) -> dict[str, Any]:
        return {"start": "noise", "size": self.size, "gray": self.gray, "uniform": self.uniform}

    def _noise(self, seed: int, shape: tuple[int, ...]) -> np.ndarray:
        draw = np.random.RandomState(seed)
        return draw.uniform(-self.size, self.size, shape) if self.uniform else draw.normal(0, self.size, shape)


@dataclass(frozen=True)
class MeanImageStart:
    """The mean of pictures, for all seeds: pictures of one cluster show that facet of the unit.

    Nguyen et al. 2016 (Multifaceted feature visualization) cluster a class's pictures by their fc7 codes and average
    the 15 nearest to a cluster's center.  Each picture is resized to the code's size whatever its aspect ratio.
    """

    paths: tuple[str, ...]

    @classmethod
    def of(cls, *paths: str | os.PathLike[str]) -> MeanImageStart:
        return cls(tuple(os.fspath(path) for path in paths))

    def __post_init__(self) -> None:
        if not isinstance(self.paths, tuple) or not self.paths:
            raise DgnamError("a mean image takes one or more pictures, as MeanImageStart.of('a.jpg', 'b.jpg')")

    def codes(self, seeds: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
        _, height, width = _check_image(shape)
        mean = np.zeros(shape)
        for path in self.paths:
            mean += read_image(path, (height, width), np.array(MEAN_BGR))[0]
        return np.repeat((mean / len(self.paths)).astype(np.float32)[None], len(seeds), 0)

    def as_dict(self) -> dict[str, Any]:
        return {"start": "mean image", "images": list(self.paths)}


def _check_image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) != 3 or shape[0] != 3:
        raise DgnamError(f"this start is an image (3, height, width), and the code's shape is {tuple(shape)}")
    return shape[0], shape[1], shape[2]
