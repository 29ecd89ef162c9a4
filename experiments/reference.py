"""Reference statistics: what a judge sees in real pictures, kept so that a machine without them gets the same numbers.

python -m dgnam.experiments.measure_reference --data DIR          # measured anew, into models/reference-statistics.h5
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np

from dgnam.data.named_set import DATA_VARIABLE, data_folder
from dgnam.errors import DgnamError
from dgnam.files.paths import StrPath
from dgnam.runs.chunks import read_arrays
from dgnam.zoo.folders import data_folder as package_folder

FEATURES = "judge-mini"
"""The judge in whose features pictures are compared."""

OTHER_FEATURES = "scene-judge-mini"
"""The same for a second look: a network that no class of these pictures was taught."""

INVERSES = {layer: f"deepsim-{layer}-v2-mini" for layer in ("conv3", "pool5", "fc6")}
"""The generators whose reconstructions are compared with pictures."""


def image_sets(given: StrPath | None) -> Path | None:
    """The folder of the image sets: the one given, or $DGNAM_DATA; None where neither is."""
    return None if given is None and DATA_VARIABLE not in os.environ else data_folder(given)


def reference_file() -> Path:
    """Where the statistics are."""
    return package_folder("models") / "reference-statistics.h5"


def reference(name: str) -> np.ndarray:
    """An array of the statistics, float32.

    features, JUDGE: (5000, K), a judge's pooled features of the held-out pictures, 25 of each of 200 classes.
    spread: (200,), the mean distance of a class's held-out pictures from their mean, in caffenet-mini's fc6.
    structure, JUDGE: (4, 2), the mean number of blobs and the mean permutation drop, of a held-out picture of each
        class and of its reconstructions by the INVERSES.
    accuracy, JUDGE: (200,), the share of a class's held-out pictures that a judge ranks first.
    modified, NET: (100, 2), for each class the mean measure of regular and of modified held-out pictures (Sec. 3.5);
        "modified, NET, reconstructed" the same of what the default prior makes of them.
    quarters, JUDGE: (100, 4), for each class the mean `gain_of_order` of regular and of cut-up held-out pictures, three
        of each, and of what the default prior makes of them.
    color order: (217,), the weights and the offset of a `ColorOrder` fitted on real pictures.
    The file's attributes say with which networks they were measured; see `measure_reference.measured_with`.
    """
    known = _arrays()
    if name not in known:
        raise DgnamError(f"{reference_file()} has no '{name}'; {_HOW}")
    return known[name].astype(np.float32)


@cache
def _arrays() -> dict[str, np.ndarray]:
    if not reference_file().is_file():
        raise DgnamError(f"{reference_file()} is missing; {_HOW}")
    return read_arrays(reference_file())


_HOW = "python -m dgnam.experiments.measure_reference --data DIR measures it anew"
