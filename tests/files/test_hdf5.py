"""HDF5 files that nobody vouches for: what h5py writes is read, and what a file merely claims is not."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from dgnam.caffe.proto import read_hdf5_weights
from dgnam.errors import FormatError
from dgnam.files import hdf5 as hdf5_file
from dgnam.files.hdf5 import open_hdf5

VALUES = np.arange(600, dtype=np.float32).reshape(20, 30)


def read(path: Path, name: str = "a") -> np.ndarray:
    with open_hdf5(path) as file:
        return file.numbers(name)


def refused(path: Path, name: str = "a") -> str:
    with pytest.raises(FormatError) as caught:
        read(path, name)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("maxshape", [(20, 30), (None, 30), (None, None)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        {"shuffle": True},
        {"fletcher32": True},
    ],
)
@pytest.mark.parametrize("dtype", ["<f4", ">i2"])
def test_what_h5py_stores_in_chunks(tmp_path, libver, maxshape, options, dtype):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver=libver) as file:
        file.create_dataset("a", data=(VALUES % 256).astype(dtype), chunks=(7, 11), maxshape=maxshape, **options)
    np.testing.assert_array_equal(read(path), (VALUES % 256).astype(dtype), strict=True)


def test_contiguous_scalar_and_empty(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["a"], file["b"], file["c/d"] = VALUES, np.float64(2.5), np.zeros((0, 3), np.float32)
    for name, expected in (("a", VALUES), ("b", np.asarray(2.5)), ("c/d", np.zeros((0, 3), np.float32))):
        np.testing.assert_array_equal(read(path, name), expected, strict=True)


@pytest.mark.parametrize("values", [np.zeros(7, "u1"), np.full(100_001, 255, "u1"), np.array([65535, 0], "u2")])
def test_checksums_of_every_length(tmp_path, values):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("a", data=values, chunks=values.shape, fletcher32=True)
        at = dataset.id.get_chunk_info(0).byte_offset
    np.testing.assert_array_equal(read(path), values)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    assert "its chunk at (0,) is damaged: its checksum is wrong" in refused(path)


def link_to(target: object):
    def make(file: h5py.File) -> None:
        file["b"] = VALUES
        file["a"] = target

    return make


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((20, 30), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "a", (20, 30))
    file.create_virtual_dataset("a", layout)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (link_to(h5py.ExternalLink("other.h5", "/a")), "a link to elsewhere"),
        (link_to(h5py.SoftLink("/b")), "a link to elsewhere"),
        (link_to(h5py.SoftLink("/a")), "a link to elsewhere"),
        (virtual, "its numbers in other files"),
        (lambda f: f.create_dataset("a", (20, 30), "f4", external=[("other.bin", 0, 2400)]), "its numbers in other"),
        (lambda f: f.create_dataset("a", data=np.zeros(3, [("x", "f4")])), "not of numbers"),
        (lambda f: f.create_dataset("a", data=["text"]), "not of numbers"),
        (lambda f: f.create_dataset("a", (3,), h5py.vlen_dtype(np.float32)), "not of numbers"),
        (lambda f: f.create_dataset("a", (3,), h5py.ref_dtype), "not of numbers"),
        (lambda f: f.create_dataset("a", data=h5py.Empty("f4")), "None is not a shape"),
        (lambda f: f.create_dataset("a", (10**7, 10**7), "f4"), "more numbers than the file can hold"),
        (lambda f: f.create_dataset("a", (10**7, 10**7), "f4", chunks=(9, 9)), "more numbers than the file can hold"),
        (
            lambda f: f.create_dataset("a", (10**7, 10**7), "f4", chunks=(99, 99), compression="gzip"),
            "more numbers than the file can hold",
        ),
        (lambda f: f.create_dataset("a", (20, 30), "f4", chunks=(7, 11), compression="gzip"), "its chunk at (0, 0) is"),
        (lambda f: f.create_dataset("a", data=VALUES, compression="lzf"), "those that are read, once each: gzip"),
        (lambda f: f.create_group("a"), "is not a dataset"),
    ],
)
def test_what_is_refused(tmp_path, monkeypatch, make, part):
    monkeypatch.chdir(tmp_path)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["a"] = VALUES
    (tmp_path / "other.bin").write_bytes(VALUES.tobytes())
    with h5py.File(tmp_path / "x.h5", "w") as file:
        make(file)
    assert part in refused(tmp_path / "x.h5")


def gzipped(path: Path, chunk: bytes) -> None:
    """One chunk of 600 float32 whose stored bytes are given."""
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("a", (20, 30), "f4", chunks=(20, 30), compression="gzip")
        dataset.id.write_direct_chunk((0, 0), chunk)


def test_a_bomb_in_a_chunk_is_not_inflated(tmp_path):
    path = tmp_path / "x.h5"
    gzipped(path, zlib.compress(VALUES.tobytes()))
    np.testing.assert_array_equal(read(path), VALUES)
    gzipped(path, zlib.compress(bytes(300 << 20)))
    assert "its chunk at (0, 0) is of 2405 bytes or more, and should be of 2400" in refused(path)
    gzipped(path, zlib.compress(bytes(100)))
    assert "is of 100 bytes or more, and should be of 2400" in refused(path)
    gzipped(path, b"no zlib stream")
    assert "damaged" in refused(path)


def test_all_that_a_file_inflates_to_is_counted(tmp_path, monkeypatch):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        for i in range(4):
            file.create_dataset(f"data/fc/{i}", data=np.zeros((500, 500), np.float32), compression="gzip")
    assert len(read_hdf5_weights(path)["fc"]) == 4
    monkeypatch.setattr(hdf5_file, "_FREE_INFLATION", 3_100_000)
    monkeypatch.setattr(hdf5_file, "_MAX_INFLATION", 1)
    with pytest.raises(FormatError, match=r"blob 3: shape .* more numbers than the file can hold"):
        read_hdf5_weights(path)


def test_one_array_under_many_names_is_counted_each_time(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["data/fc/0"] = np.zeros(10**6, np.float32)
        for i in range(1, 50):
            file[f"data/fc/{i}"] = file["data/fc/0"]
    with pytest.raises(FormatError, match=r"blob 1: shape .* more numbers than the file can hold"):
        read_hdf5_weights(path)


@pytest.mark.parametrize(
    ("options", "claimed", "reason"),
    [
        ({"compression": "gzip"}, 0, "is of 0 bytes"),
        ({}, 16, "is of 16 bytes"),
        ({}, 2**31, "past the end of the file"),
    ],
)
def test_a_chunk_whose_size_is_a_lie(tmp_path, options, claimed, reason):
    """HDF5 2.0 crashes on the first where it inflates a chunk, and h5py on the second where it hands out its bytes."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver="earliest") as file:
        dataset = file.create_dataset("data/fc/0", data=VALUES, chunks=(20, 30), **options)
        size = dataset.id.get_chunk_info(0).size
    data = path.read_bytes()
    key = struct.pack("<IIQQQ", size, 0, 0, 0, 0)
    assert data.count(key) == 1
    path.write_bytes(data.replace(key, struct.pack("<I", claimed) + key[4:]))
    code = "import sys; from dgnam.caffe.proto import read_hdf5_weights; read_hdf5_weights(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "FormatError" in done.stderr
    assert "layer 'fc', blob 0: its chunk at (0, 0)" in done.stderr
    assert reason in done.stderr


@pytest.mark.parametrize("size", [64, 2**31])
def test_a_superblock_that_names_a_driver(tmp_path, size):
    """The library allocates as many bytes as the block of the driver is said to have."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver="earliest") as file:
        file["a"] = VALUES
    data = bytearray(path.read_bytes())
    assert data[48:56] == b"\xff" * 8
    data[48:56] = struct.pack("<Q", len(data))
    path.write_bytes(data + struct.pack("<II8s", 0, size, b"NCSAfami") + bytes(64))
    assert "names a driver" in refused(path)


def test_a_number_beyond_float32_is_infinite_without_a_warning(tmp_path, recwarn):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["data/fc/0"] = np.array([1e300, 1.5])
    assert read_hdf5_weights(tmp_path / "x.h5")["fc"][0].tolist() == [np.inf, 1.5]
    assert not recwarn.list


@pytest.mark.parametrize("place", ["/", "/data"])
def test_a_groups_free_space_that_leads_in_a_circle(tmp_path, place):
    """The library follows such a list for ever; its first block is made to name itself as the next."""
    path = tmp_path / "circle.h5"
    with h5py.File(path, "w", libver="earliest") as file:
        file.create_dataset("data/x", data=np.arange(3.0))
    data = bytearray(path.read_bytes())
    heaps = [at for at in range(0, len(data), 8) if data[at : at + 4] == b"HEAP"]
    assert len(heaps) == 2
    _, free, segment = struct.unpack_from("<QQQ", data, heaps[0 if place == "/" else 1] + 8)
    struct.pack_into("<Q", data, segment + free, free)
    path.write_bytes(data)
    with pytest.raises(FormatError, match=r"circle\.h5: is damaged: the free space in a group's heap"):
        read_hdf5_weights(path)
