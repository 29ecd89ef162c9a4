"""Reading weights in any of Caffe's formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...files.paths import HDF5_MAGIC, StrPath, existing_file, file_head
from .caffemodel import read_caffemodel
from .hdf5_weights import read_hdf5_weights

_HDF5_SUFFIXES = (".h5", ".hdf5")


def read_weights(path: StrPath) -> dict[str, list[np.ndarray]]:
    """Read the blobs of each layer, as float32 arrays, from a caffemodel or an HDF5 file.

    The content determines the format, as in Caffe; an extension .h5 or .hdf5 without HDF5 content is an error.
    """
    file = existing_file(path)
    if file_head(file).startswith(HDF5_MAGIC) or Path(path).suffix.lower() in _HDF5_SUFFIXES:
        return read_hdf5_weights(path)
    return read_caffemodel(path)
