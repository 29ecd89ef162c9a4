"""Reading weights in any of Caffe's formats, or as a torch state dict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...files.paths import HDF5_MAGIC, StrPath, existing_file, file_head
from .caffemodel import read_caffemodel
from .hdf5_weights import read_hdf5_weights
from .state_dict import is_state_dict, read_state_dict

_HDF5_SUFFIXES = (".h5", ".hdf5")


def read_weights(path: StrPath) -> dict[str, list[np.ndarray]]:
    """Read the blobs of each layer, as float32 arrays, from a caffemodel, an HDF5 file or a torch state dict.

    The content determines the format, as in Caffe; an extension .h5 or .hdf5 without HDF5 content is an error, and so
    is .pt or .pth without a state dict.
    """
    return _reader(path)(path)


def read_diffs(path: StrPath) -> dict[str, list[np.ndarray]]:
    """Read the gradients stored with the weights in a caffemodel, (0,) for a blob without; no others, as in Caffe."""
    return read_caffemodel(path, diffs=True) if _reader(path) is read_caffemodel else {}


def _reader(path: StrPath) -> Callable[[StrPath], dict[str, list[np.ndarray]]]:
    head = file_head(existing_file(path))
    if head.startswith(HDF5_MAGIC) or Path(path).suffix.lower() in _HDF5_SUFFIXES:
        return read_hdf5_weights
    return read_state_dict if is_state_dict(Path(path), head) else read_caffemodel
