"""Weights from whichever of Caffe's formats a file is in."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...files.paths import HDF5_MAGIC, StrPath, existing_file, file_head
from .caffemodel import read_caffemodel
from .hdf5_weights import read_hdf5_weights

_HDF5_SUFFIXES = (".h5", ".hdf5")


def read_weights(path: StrPath) -> dict[str, list[np.ndarray]]:
    """The blobs of each layer, as float32 arrays, from a caffemodel or from Caffe's HDF5.

    As in Caffe the content decides, whatever the file's name; a name in .h5 or .hdf5 without such content is an error.
    """
    file = existing_file(path)
    if file_head(file).startswith(HDF5_MAGIC) or Path(path).suffix.lower() in _HDF5_SUFFIXES:
        return read_hdf5_weights(path)
    return read_caffemodel(path)
