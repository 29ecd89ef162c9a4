"""What `visualize` gives back: pictures with all that belongs to them, which show themselves."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image

from ..am import Objective, Settings
from ..errors import DgnamError
from ..figures import labelled_grid
from ..files.paths import replacing
from ..runs.folder import RunFolder

SHOWN_SIZE = 128
"""Pictures that are smaller than this are enlarged in a grid, a whole number of times."""

MOST_SHOWN = 400
"""A grid shows at most so many; what comes after is saved like the others."""


@dataclass(frozen=True, eq=False, repr=False)
class Visualization:
    """Preferred images, the first axis of each array the same.

    images: (N, H, W, 3) uint8, RGB: values from 120 below the mean to 120 above it, as 0 to 255; of a callable the
        pictures that it scored.
    raw: (N, 3, H, W) float32, BGR, mean-subtracted: what the target saw, before the last update.
    codes: (N, *code_shape) float32, after the last update; without gradients, those of the images.
    activations: (N,) float32, of `raw`; where the settings have a transform, of what it made of `raw` in that step.
    traces: (N, steps) float32, the activation at each step; NaN after a job's last.  Of a search without gradients, the
        best score of each generation.
    captions: a text for each, the class or the objective, and `title` one for all of them.
    objectives, seeds, settings: what each was made for, from which seed and how; no settings without gradients.
    folder: where it was saved, or None.
    """

    images: np.ndarray
    raw: np.ndarray
    codes: np.ndarray
    activations: np.ndarray
    traces: np.ndarray
    captions: Sequence[str]
    title: str
    objectives: Sequence[Objective | None]
    seeds: Sequence[int]
    settings: Sequence[Settings | None]
    folder: Path | None = None
    stems: Sequence[str] = field(default=())

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        n, height, width, _ = self.images.shape
        best = f"activations {self.activations.min():.4g} to {self.activations.max():.4g}" if n else "empty"
        return f"<Visualization: {self.title}; {n} images of {height}x{width}, {best}>"

    def grid(self, columns: int | None = None, scale: int | None = None) -> np.ndarray:
        """The pictures with their captions and activations, (H, W, 3) uint8 RGB; the first 400 of them.

        columns: pictures in a row; about as many rows as columns where None.
        scale: how many times as large they are shown; None enlarges small ones to about 128 pixels.
        """
        if not len(self):
            raise DgnamError("there are no pictures to show")
        shown = min(len(self), MOST_SHOWN)
        labels = [f"{self.captions[k]}\n{self.activations[k]:.4g}" for k in range(shown)]
        note = "" if shown == len(self) else f"The first {shown} of {len(self)}."
        return labelled_grid(
            list(self.images[:shown]),
            labels,
            columns=_columns(shown) if columns is None else columns,
            title=self.title,
            note=note,
            scale=enlargement(self.images.shape[2]) if scale is None else scale,
        )

    def show(self) -> None:
        """Show the grid: in a notebook below the cell, elsewhere in the system's picture viewer."""
        picture = Image.fromarray(self.grid())
        ipython = sys.modules.get("IPython")
        if ipython is not None and ipython.get_ipython() is not None:
            ipython.display.display(picture)
        else:
            picture.show(title=self.title)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the grid to a file named *.png, or everything into a new folder; returns the path.

        The folder gets each picture, `grid.png`, and `arrays.h5` with raw, codes, activations and traces.  A folder
        that holds something is an error; a file is replaced.
        """
        target = Path(path)
        if target.suffix.lower() == ".png":
            with replacing(target) as partial:
                Image.fromarray(self.grid()).save(partial, format="PNG")
            return target
        if target.suffix:
            raise DgnamError(f"{target}: give a name that ends in .png for the grid, or a folder's for everything")
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise DgnamError(f"{target} is there already; give a new folder")
        files = RunFolder(target)
        names = self.stems if self.stems else [f"{k:04d}" for k in range(len(self))]
        for name, image in zip(names, self.images, strict=True):
            files.write_png(f"{name}.png", image)
        files.write_png("grid.png", self.grid())
        arrays = {name: getattr(self, name) for name in ("raw", "codes", "activations", "traces")}
        about = {"title": self.title, "captions": list(self.captions), "seeds": list(self.seeds)}
        files.write_arrays("arrays.h5", arrays, about)
        return target

    def _repr_png_(self) -> bytes:
        """What a notebook shows."""
        buffer = io.BytesIO()
        Image.fromarray(self.grid()).save(buffer, format="PNG")
        return buffer.getvalue()


def enlargement(width: int) -> int:
    """How many times as large a picture of this width is shown."""
    return max(1, SHOWN_SIZE // width)


def _columns(count: int) -> int:
    """About one and a half times as many columns as rows."""
    return min(count, max(4, math.ceil(math.sqrt(1.5 * count))))
