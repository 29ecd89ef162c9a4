"""Pictures of units from seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dgnam.data.preprocessing import deprocess


@dataclass(frozen=True, eq=False)
class Pictures:
    """One picture of each unit from each seed: all seeds of the first unit, then of the second.

    images: (units * seeds, 3, h, w) float32, BGR, mean-subtracted, as the target sees them.
    units, seeds: their numbers; a picture that no seed belongs to has seed 0.
    activations: (units, seeds) float32, of the unit; None where nothing was measured.
    """

    images: np.ndarray
    units: Sequence[int]
    seeds: Sequence[int] = (0,)
    activations: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def classes(self) -> np.ndarray:
        """(units * seeds,) int: each picture's unit."""
        return np.repeat(np.asarray(self.units), len(self.seeds))

    @property
    def first(self) -> np.ndarray:
        """(units, 3, h, w): those of the first seed."""
        return self.images[:: len(self.seeds)]

    @property
    def true_colors(self) -> np.ndarray:
        """(units * seeds, h, w, 3) uint8 RGB, to set beside real pictures; saved ones have more contrast."""
        return deprocess(self.images)

    @property
    def measured(self) -> np.ndarray:
        """The activations, which pictures of a search have."""
        assert self.activations is not None
        return self.activations

    def of_units(self, wanted: Sequence[int]) -> Pictures:
        """Those of some of the units."""
        places = [list(self.units).index(unit) for unit in wanted]
        images = self.images.reshape(len(self.units), len(self.seeds), *self.images.shape[1:])[places]
        activations = None if self.activations is None else self.activations[places]
        return Pictures(images.reshape(-1, *self.images.shape[1:]), list(wanted), self.seeds, activations)

    def by_unit(self, values: np.ndarray) -> np.ndarray:
        """Values of the pictures as (units, seeds, …)."""
        return values.reshape(len(self.units), len(self.seeds), *values.shape[1:])
