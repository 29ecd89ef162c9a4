"""Chunks: arrays as the bytes of an HDF5 file, made in memory, so that a failing disk can't spoil them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..files.hdf5 import compression, open_hdf5
from ..files.paths import utf8

Arrays = Mapping[str, np.ndarray]


def to_bytes(arrays: Arrays, attributes: Mapping[str, Any] | None = None, compress: bool = False) -> bytes:
    """An HDF5 file of these datasets and attributes; the same for the same values.

    compress: those of more than 1,000 numbers, for a file that is kept in the repository.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver="earliest", track_order=False) as file:
        for name, values in arrays.items():
            how = compression(np.asarray(values)) if compress else {}
            file.create_dataset(name, data=values, track_times=False, **how)
        for name, value in ({} if attributes is None else attributes).items():
            file.attrs[name] = utf8(value).decode() if isinstance(value, str) else value
    return buffer.getvalue()


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The datasets of numbers in a chunk's file; damaged ones are a FormatError."""
    with open_hdf5(path) as file:
        return {name: file.numbers(name) for name in sorted(file.names())}
