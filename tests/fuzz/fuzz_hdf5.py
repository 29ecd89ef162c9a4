"""Weights as Caffe's HDF5."""

from __future__ import annotations

import tempfile
from pathlib import Path

import h5py
import numpy as np

from dgnam.caffe.proto import read_hdf5_weights, write_hdf5_weights

FILE = "hostile.h5"


def seeds() -> list[bytes]:
    return [_plain(), _filtered()]


def read(path: Path) -> None:
    read_hdf5_weights(path)


def _plain() -> bytes:
    """As we write it, and as Caffe does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.h5"
        weights = {"fc": [np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(2, np.float32)]}
        write_hdf5_weights(path, weights)
        return path.read_bytes()


def _filtered() -> bytes:
    """Chunks, filters and links."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.h5"
        with h5py.File(path, "w") as file:
            values = np.arange(400, dtype=np.float32).reshape(20, 20)
            file.create_dataset("data/a/0", data=values, compression="gzip", shuffle=True, fletcher32=True)
            file.create_dataset("data/a/1", data=values[0], chunks=(7,), maxshape=(None,), dtype="f8")
            file.create_dataset("data/b/0", data=values[:2], compression="lzf")
            file["data/c/0"] = np.float16(1.5)
            file["data/c/1"] = file["data/c/0"]
        return path.read_bytes()
