"""One picture of a `Visualization`, with all that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..am import Objective, Settings
from ..errors import DgnamError
from ..files.encode import png
from ..files.paths import write_bytes


@dataclass(frozen=True, eq=False)
class Visualized:
    """A preferred image.

    image: (H, W, 3) uint8 RGB; raw: (3, H, W) float32, BGR, mean-subtracted; code: (*code_shape) float32.
    activation: of `raw`; trace: (steps,) float32, the activation at each step.
    caption, objective, seed, settings: what it was made for, from which seed and how; no settings without gradients,
        and where it was loaded the objective as text, and the settings as the run's record has them.
    """

    caption: str
    objective: Objective | str | None
    seed: int
    settings: Settings | Mapping[str, Any] | None
    image: np.ndarray
    raw: np.ndarray
    code: np.ndarray
    activation: float
    trace: np.ndarray

    def __repr__(self) -> str:
        height, width = self.image.shape[:2]
        what = "" if self.objective is None or str(self.objective) == self.caption else f" ({self.objective})"
        return (
            f"<Visualized: {self.caption}{what}, seed {self.seed}, activation {self.activation:.4g}, {height}x{width}>"
        )

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture to a file named *.png; returns the path."""
        target = Path(path)
        if target.suffix.lower() != ".png":
            raise DgnamError(f"{target}: give a name that ends in .png")
        write_bytes(target, png(self.image))
        return target

    def _repr_png_(self) -> bytes:
        """What a notebook shows."""
        return png(self.image)
