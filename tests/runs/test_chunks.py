"""Chunks as the bytes of HDF5 files."""

import io

import h5py
import numpy as np

from dgnam.runs.chunks import read_arrays, to_bytes


def test_attributes_are_written_and_names_stand_in_their_order(tmp_path):
    content = to_bytes({"b": np.arange(3), "a": np.zeros((2, 1), np.float32)}, {"k": 3})
    with h5py.File(io.BytesIO(content)) as file:
        assert list(file) == ["a", "b"]
        assert dict(file.attrs) == {"k": 3}
    (tmp_path / "chunk.h5").write_bytes(content)
    found = read_arrays(tmp_path / "chunk.h5")
    assert list(found) == ["a", "b"]
    assert found["b"].tolist() == [0, 1, 2]
    assert to_bytes({"b": np.arange(3)}) == to_bytes({"b": np.arange(3)}, {})
