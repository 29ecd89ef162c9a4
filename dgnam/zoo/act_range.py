"""Read act_ranges, the upper bounds of codes, from the published text format or from HDF5."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..errors import FormatError, shortened
from ..files.paths import StrPath
from ..files.text import read_text

_MOST_BYTES = 16 << 20
"""Far more than the act_range of any published code takes as text."""

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?", re.ASCII)


def read_act_range(path: StrPath) -> np.ndarray:
    """The upper bounds (n,) float32 in a file: the published text (one line of integers), or HDF5 with `act_range`."""
    path = Path(path)
    values = _read_hdf5(path) if path.suffix in (".h5", ".hdf5") else _read_text(path)
    if values.size == 0 or not np.isfinite(values).all():
        raise FormatError(f"{path}: an act_range holds one finite number for each neuron of the code")
    return values


def _read_text(path: Path) -> np.ndarray:
    words = read_text(path, _MOST_BYTES, "an act_range").split()
    wrong = next((word for word in words if _NUMBER.fullmatch(word) is None), None)
    if wrong is not None:
        raise FormatError(
            f"{path}: not a text of numbers with blanks between them, and decimal points ('{shortened(wrong)}')"
        )
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and an error
        return np.array(words, dtype=np.float32)


def _read_hdf5(path: Path) -> np.ndarray:
    from ..files.hdf5 import open_hdf5

    with open_hdf5(path) as file:
        if "act_range" not in file.names():
            raise file.fail(f"has no dataset 'act_range'; it has {sorted(file.names())[:8]}")
        return file.floats("act_range").ravel()
