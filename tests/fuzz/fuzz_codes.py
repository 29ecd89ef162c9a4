"""Codes to start from, as numpy's files and HDF5 hold them."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import h5py
import numpy as np

from dgnam.am import CodeFileStart
from dgnam.errors import naming

FILE = "hostile.codes"
CODE = (3,)


def seeds() -> list[bytes]:
    several = np.arange(6, dtype=np.float32).reshape(2, *CODE)
    return [
        _npy(several[0]),
        _npy(several.astype(np.float64, order="F")),
        _hdf5(several),
        _hdf5(several, chunks=(1, 3)),
    ]


def read(path: Path) -> None:
    start = CodeFileStart(path)
    with naming(path):  # codes of another shape
        codes = start.codes([0, 1, 2], CODE)
    assert codes.shape == (3, *CODE)
    assert np.isfinite(codes).all()


def _npy(values: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def _hdf5(values: np.ndarray, **options: object) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "codes.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("codes", data=values, **options)
        return path.read_bytes()
