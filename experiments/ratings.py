"""What raters named right of pictures of several kinds, and how far they agree (M8)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dgnam.errors import ArrayError
from dgnam.measure.naming import cohens_kappa, normalized_accuracy
from dgnam.measure.statistics import proportion

PHOTOGRAPHS = "photographs"
"""The kind that is the ceiling."""


@dataclass(frozen=True)
class Rated:
    """A picture's number on the sheets, its kind and class, and each rater's answer, "" where there is none."""

    number: int
    kind: str
    name: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Ratings:
    """All pictures that raters saw.

    classes: the number of names that they chose from.
    """

    raters: tuple[str, ...]
    pictures: tuple[Rated, ...]
    classes: int

    @property
    def kinds(self) -> list[str]:
        """The kinds of pictures, by name."""
        return sorted({one.kind for one in self.pictures})

    def right(self, kind: str) -> np.ndarray:
        """(pictures, raters) bool: who named which picture of a kind right."""
        return np.array([[answer == one.name for answer in one.answers] for one in self.pictures if one.kind == kind])

    def as_dict(self) -> dict[str, Any]:
        """For JSON.

        right: of each rater; share: over all raters; above_chance: (share - chance) / (that of photographs - chance),
        None without photographs, or where a kind's pictures are named all alike, as never right.  kappa: the agreement
        of the first two raters over all pictures.
        """
        return {
            "raters": list(self.raters),
            "kinds": {kind: self._measured(kind) for kind in self.kinds},
            "kappa": self._kappa(),
            "pictures": [asdict(one) for one in self.pictures],
        }

    def _measured(self, kind: str) -> dict[str, Any]:
        right = self.right(kind)
        found = {"pictures": len(right), "right": right.sum(0).tolist(), "share": proportion(right).as_dict()}
        above = None
        if kind != PHOTOGRAPHS and PHOTOGRAPHS in self.kinds:
            try:
                above = normalized_accuracy(right, self.right(PHOTOGRAPHS), 1 / self.classes).as_dict()
            except ArrayError:  # photographs that nobody names are no ceiling, and a kind that nobody names has no ends
                above = None
        return {**found, "above_chance": above}

    def _kappa(self) -> dict[str, Any] | None:
        if len(self.raters) < 2:
            return None
        return cohens_kappa(*([one.answers[k] for one in self.pictures] for k in (0, 1))).as_dict()
