"""Caffe's HDF5 weights: round trips, float16, what real Caffe leaves out, and damaged files."""

import os

import h5py
import numpy as np
import pytest

from dgnam.caffe.proto import pb, read_hdf5_weights, read_weights, write_caffemodel, write_hdf5_weights
from dgnam.errors import CaffeError, DgnamError, FormatError


@pytest.fixture
def weights() -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    return {
        "fc6": [rng.standard_normal((5, 7)).astype(np.float32), rng.standard_normal(5).astype(np.float32)],
        "conv1": [rng.standard_normal((2, 3, 4, 4)).astype(np.float32)],
        "bn": [np.float32(3).reshape(())] * 12,
    }


def check(got: dict[str, list[np.ndarray]], expected: dict[str, list[np.ndarray]]) -> None:
    assert set(got) == set(expected)
    for name, blobs in expected.items():
        for a, b in zip(got[name], blobs, strict=True):
            np.testing.assert_array_equal(a, b, strict=True)


def test_round_trip(tmp_path, weights):
    path = tmp_path / "net.caffemodel.h5"
    write_hdf5_weights(path, weights)
    check(read_hdf5_weights(path), weights)
    check(read_weights(path), weights)
    assert os.listdir(tmp_path) == [path.name]
    with h5py.File(path) as file:
        assert file["data/fc6/0"].dtype == np.float32
        assert sorted(file) == ["data"]


def test_float16_is_read_as_float32(tmp_path, weights):
    path = tmp_path / "half.h5"
    write_hdf5_weights(path, weights, "float16")
    with h5py.File(path) as file:
        assert file["data/fc6/0"].dtype == np.float16
    halved = {name: [np.asarray(b, np.float16).astype(np.float32) for b in blobs] for name, blobs in weights.items()}
    check(read_hdf5_weights(path), halved)


def test_float16_has_a_range(tmp_path):
    values = np.array([1, np.inf, -7e4], np.float32)
    with pytest.raises(CaffeError, match="layer 'fc', blob 0: values up to 70000 don't fit float16"):
        write_hdf5_weights(tmp_path / "half.h5", {"fc": [values]}, "float16")
    assert not os.listdir(tmp_path)
    write_hdf5_weights(tmp_path / "half.h5", {"fc": [values[:2]]}, "float16")
    check(read_hdf5_weights(tmp_path / "half.h5"), {"fc": [values[:2]]})


def test_same_weights_same_bytes(tmp_path, weights):
    write_hdf5_weights(tmp_path / "a.h5", weights)
    write_hdf5_weights(tmp_path / "b.h5", weights)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    with h5py.File(tmp_path / "a.h5") as file:
        for name in (b"data", b"data/fc6", b"data/fc6/0"):
            assert h5py.h5g.get_objinfo(file.id, name).mtime == 0


def test_compressed_weights_are_smaller_the_same_and_the_same_bytes(tmp_path):
    draw = np.random.default_rng(0)
    weights = {"fc": [draw.integers(-4, 5, (60, 50)).astype(np.float32), np.arange(60, dtype=np.float32)]}
    for name, compress in (("plain", False), ("a", True), ("b", True)):
        write_hdf5_weights(tmp_path / f"{name}.h5", weights, "float16", compress=compress)
    check(read_hdf5_weights(tmp_path / "a.h5"), weights)
    plain, first, second = ((tmp_path / f"{name}.h5").read_bytes() for name in ("plain", "a", "b"))
    assert first == second
    assert len(first) < 0.8 * len(plain)
    with h5py.File(tmp_path / "a.h5") as file:
        blob = file["data/fc/0"]
        assert (blob.chunks, blob.compression, blob.compression_opts, blob.shuffle) == ((60, 50), "gzip", 9, True)
        assert file["data/fc/1"].chunks is None


def test_damaged_compressed_weights_are_clear_errors(tmp_path):
    path = tmp_path / "x.h5"
    write_hdf5_weights(path, {"fc": [np.arange(3000, dtype=np.float32).reshape(60, 50)]}, compress=True)
    with h5py.File(path) as file:
        chunk = file["data/fc/0"].id.get_chunk_info(0)
    whole = path.read_bytes()
    path.write_bytes(whole[: chunk.byte_offset] + bytes(chunk.size) + whole[chunk.byte_offset + chunk.size :])
    with pytest.raises(FormatError, match=r"x\.h5"):
        read_hdf5_weights(path)
    path.write_bytes(whole[: chunk.byte_offset + chunk.size // 2])
    with pytest.raises(FormatError, match=r"x\.h5"):
        read_hdf5_weights(path)


def test_names_with_slashes_are_refused(tmp_path):
    with pytest.raises(CaffeError, match=r"'inception/1x1'.*write a caffemodel instead"):
        write_hdf5_weights(tmp_path / "x.h5", {"inception/1x1": []})
    with pytest.raises(CaffeError, match="float64"):
        write_hdf5_weights(tmp_path / "x.h5", {}, "float64")
    assert not os.listdir(tmp_path)


def test_what_real_caffe_leaves_out(tmp_path):
    path = tmp_path / "caffe.h5"
    with h5py.File(path, "w") as file:
        file["data/fc/0"] = np.ones((2, 3))
        file["data/fc/1"] = np.arange(2)
        file["data/shared/1"] = np.ones(2, np.float32)
        file.create_group("data/wholly_shared")
        file["diff/fc/0"] = np.zeros((2, 3), np.float32)
    expected = {
        "fc": [np.ones((2, 3), np.float32), np.arange(2, dtype=np.float32)],
        "shared": [np.zeros(0, np.float32), np.ones(2, np.float32)],
    }
    check(read_hdf5_weights(path), expected)
    write_hdf5_weights(path, expected)
    check(read_hdf5_weights(path), expected)
    with h5py.File(path) as file:
        assert list(file["data/shared"]) == ["1"]


def make(path, **entries) -> None:
    with h5py.File(path, "w") as file:
        for name, value in entries.items():
            file[name.replace("__", "/")] = value


@pytest.mark.parametrize(
    ("entries", "part"),
    [
        ({"weights__0": [1.0]}, "no group 'data'"),
        ({"data": [1.0]}, "no group 'data'"),
        ({"data__fc": [1.0]}, "layer 'fc' is not a group"),
        ({"data__fc__w": [1.0]}, "layer 'fc' has an entry 'w'"),
        ({"data__fc__0__0": [1.0]}, "layer 'fc', blob 0 is not a dataset"),
        ({"data__fc__0": "text"}, "layer 'fc', blob 0 is of type"),
        ({"data__fc__999999999999": [1.0]}, "named 999999999999"),
    ],
)
def test_other_contents(tmp_path, entries, part):
    path = tmp_path / "x.h5"
    make(path, **entries)
    with pytest.raises(FormatError, match=r"x.h5") as caught:
        read_hdf5_weights(path)
    assert part in str(caught.value)


def test_a_shape_larger_than_the_file(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data/fc/0", (10**6, 10**6), "f4")
        file.create_dataset("data/fc/1", (10**6, 10**6), "f4", chunks=(100, 100), compression="gzip")
    with pytest.raises(FormatError, match=r"layer 'fc', blob 0: shape .* more numbers than the file"):
        read_hdf5_weights(path)
    with h5py.File(path, "a") as file:
        del file["data/fc/0"]
    with pytest.raises(FormatError, match=r"layer 'fc', blob 1: shape .* more numbers than the file"):
        read_hdf5_weights(path)


def test_compressed_blobs_are_read(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data/fc/0", data=np.zeros((500, 500), np.float32), compression="gzip")
    check(read_hdf5_weights(path), {"fc": [np.zeros((500, 500), np.float32)]})


def test_truncated_files(tmp_path, weights):
    path = tmp_path / "x.h5"
    write_hdf5_weights(path, weights)
    data = path.read_bytes()
    for cut in range(0, len(data), 97):
        path.write_bytes(data[:cut])
        with pytest.raises(FormatError, match=r"x.h5"):
            read_hdf5_weights(path)


def test_read_weights_goes_by_content(tmp_path, weights):
    write_hdf5_weights(tmp_path / "odd.caffemodel", weights)
    check(read_weights(tmp_path / "odd.caffemodel"), weights)
    net = pb.NetParameter(layer=[pb.LayerParameter(name="fc6")])
    write_caffemodel(tmp_path / "plain", net, {"fc6": weights["fc6"]})
    check(read_weights(tmp_path / "plain"), {"fc6": weights["fc6"]})
    write_caffemodel(tmp_path / "odd.h5", net, {})
    with pytest.raises(FormatError, match=r"odd.h5: is not an HDF5 file"):
        read_weights(tmp_path / "odd.h5")
    (tmp_path / "page.h5").write_text("<html>404</html>")
    with pytest.raises(FormatError, match="a web page"):
        read_weights(tmp_path / "page.h5")
    with pytest.raises(DgnamError, match=r"none.h5: no such file"):
        read_weights(tmp_path / "none.h5")
