"""README's strips: five units, large, by the method, by random codes and in pixels without a generator."""

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

from .experiment import Experiment

ROWS = ("the method", "a random code", "pixels")


def strip(run: str | Path, experiment: Experiment, units: Sequence[int], scale: int) -> np.ndarray:
    """The pictures of a finished run of an experiment with these three steps, in three rows, (H, W, 3) uint8 RGB.

    scale: how many times as large the pictures are shown.
    """
    inputs = Record.read(run).inputs
    models = experiment.models[inputs["models"]]
    labels = [label.name for label in zoo.get(models.target).labels()]
    method, pixels = (_first(load(Path(run) / step).images, inputs["units"], units) for step in ("dgn_am", "pixels"))
    codes = random_codes(models.prior, len(labels), inputs["seeds"][0])[list(units)]
    random = [picture(image) for image in render(models.prior, codes, method.shape[1:3])]
    pictures = [*method, *random, *pixels]
    names = [f"{labels[unit]}: {row}" for row in ROWS for unit in units]
    return labeled_grid(pictures, names, columns=len(units), scale=scale, text_size=12)


def _first(images: np.ndarray, made: Sequence[int], units: Sequence[int]) -> np.ndarray:
    """The first image of each of the units, of all images (U * S, h, w, 3) of the units `made`, each from S seeds."""
    return images[[made.index(unit) * (len(images) // len(made)) for unit in units]]
