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


def test_compressed_are_large_datasets_alone_and_read_the_same(tmp_path):
    arrays = {"large": np.arange(3000, dtype=np.float16).reshape(60, 50), "one": np.float32(2), "few": np.arange(9)}
    content = to_bytes(arrays, compress=True)
    with h5py.File(io.BytesIO(content)) as file:
        assert {name: one.compression for name, one in file.items()} == {"large": "gzip", "one": None, "few": None}
    assert len(content) < 0.8 * len(to_bytes(arrays))
    (tmp_path / "chunk.h5").write_bytes(content)
    for name, values in read_arrays(tmp_path / "chunk.h5").items():
        np.testing.assert_array_equal(values, arrays[name], strict=True)
