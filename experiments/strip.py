"""README's strip: five units, large, by the method, by random codes and in pixels without a generator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dgnam import zoo
from dgnam.am.images import picture
from dgnam.api.load import load
from dgnam.api.render import random_codes, render
from dgnam.figures import labeled_grid
from dgnam.runs import Record

from .fig1_output_units import EXPERIMENT

UNITS = tuple(range(0, 200, 40))
"""Every 40th class, by number and not by result."""

ROWS = ("the method", "a random code", "pixels")


def strip(run: str | Path, units: Sequence[int] = UNITS, scale: int = 3) -> np.ndarray:
    """The pictures of a finished run of figure 1 in three rows, (H, W, 3) uint8 RGB.

    scale: how many times as large the pictures are shown.
    """
    inputs = Record.read(run).inputs
    models, places = EXPERIMENT.models[inputs["models"]], [inputs["units"].index(unit) for unit in units]
    labels = [label.name for label in zoo.get(models.target).labels()]
    method, pixels = (load(Path(run) / step).images[places] for step in ("dgn_am", "pixels"))
    codes = random_codes(models.prior, len(labels), inputs["seeds"][0])[list(units)]
    random = [picture(image) for image in render(models.prior, codes, method.shape[1:3])]
    pictures = [*method, *random, *pixels]
    names = [f"{labels[unit]}: {row}" for row in ROWS for unit in units]
    return labeled_grid(pictures, names, columns=len(units), scale=scale, text_size=12)
