"""Read act_ranges, the upper bounds of codes, from the published text format or from HDF5."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import FormatError, shortened
from ..files.paths import StrPath, existing_file

_MOST_BYTES = 16 << 20
"""Far more than the act_range of any published code takes as text."""


def read_act_range(path: StrPath) -> np.ndarray:
    """The upper bounds (n,) float32 in a file: the published text (one line of integers), or HDF5 with `act_range`."""
    path = Path(path)
    values = _read_hdf5(path) if path.suffix in (".h5", ".hdf5") else _read_text(path)
    if values.size == 0 or not np.isfinite(values).all():
        raise FormatError(f"{path}: an act_range holds one finite number for each neuron of the code")
    return values


def _read_text(path: Path) -> np.ndarray:
    size = existing_file(path).stat().st_size
    if size > _MOST_BYTES:
        raise FormatError(f"{path}: {size} bytes are too many for an act_range as text (at most {_MOST_BYTES})")
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and an error
            return np.array(path.read_text(encoding="ascii").split(), dtype=np.float32)
    except (UnicodeDecodeError, ValueError) as error:
        raise FormatError(f"{path}: not a text of numbers with blanks between them ({shortened(str(error))})") from None


def _read_hdf5(path: Path) -> np.ndarray:
    from ..files.hdf5 import open_hdf5

    with open_hdf5(path) as file:
        if "act_range" not in file.names():
            raise file.fail(f"has no dataset 'act_range'; it has {sorted(file.names())[:8]}")
        return file.floats("act_range").ravel()
