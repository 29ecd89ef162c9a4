"""Caffemodels: every generation and encoding that protobuf allows, writing, and damaged files."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgnam.caffe.proto import (
    caffemodel,
    pb,
    read_blobproto,
    read_caffemodel,
    read_net,
    read_net_from_caffemodel,
    read_weights,
    write_caffemodel,
)
from dgnam.caffe.proto.wire import BYTES, Field, WireFile, encode_header, encode_varint
from dgnam.errors import CaffeError, CaffeFormatError, DgnamError, FormatError

SHARED = Path(__file__).parents[4] / "shared" / "weights"
LAYER, BLOBS = pb.NetParameter.LAYER_FIELD_NUMBER, pb.LayerParameter.BLOBS_FIELD_NUMBER


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def blob_proto(array: np.ndarray, legacy: bool = False) -> pb.BlobProto:
    proto = pb.BlobProto(data=array.ravel())
    if legacy:
        proto.num, proto.channels, proto.height, proto.width = (1,) * (4 - array.ndim) + array.shape
    else:
        proto.shape.dim.extend(array.shape)
    return proto


def message(number: int, payload: bytes) -> bytes:
    return encode_header(number, len(payload)) + payload


def model_of_blob(blob: bytes, layer: bytes = b"") -> bytes:
    """A caffemodel whose one layer 'fc' holds this one BlobProto."""
    return message(LAYER, message(1, b"fc") + message(BLOBS, blob) + layer)


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "net.caffemodel"
    path.write_bytes(data)
    return path


def check(weights: dict[str, list[np.ndarray]], expected: dict[str, list[np.ndarray]]) -> None:
    assert list(weights) == list(expected)
    for name, blobs in expected.items():
        for got, blob in zip(weights[name], blobs, strict=True):
            assert got.dtype == np.float32
            assert got.flags.aligned
            assert got.flags.writeable
            np.testing.assert_array_equal(got, blob, strict=True)


def test_v2(tmp_path):
    w, b = numbers(4, 3, 2, 2), numbers(4)
    net = pb.NetParameter(name="net")
    net.layer.add(name="data", type="Input")
    net.layer.add(name="conv/a", type="Convolution", blobs=[blob_proto(w), blob_proto(b)])
    check(read_caffemodel(write(tmp_path, net.SerializeToString())), {"conv/a": [w, b]})


def test_v1_keeps_the_legacy_shapes(tmp_path):
    w, b = numbers(4, 3, 2, 2), numbers(4)
    net = pb.NetParameter()
    net.layers.add(name="conv", type=pb.V1LayerParameter.CONVOLUTION, blobs=[blob_proto(w, True), blob_proto(b, True)])
    check(read_caffemodel(write(tmp_path, net.SerializeToString())), {"conv": [w, b.reshape(1, 1, 1, 4)]})


def test_v0(tmp_path):
    w, b = numbers(5, 6), numbers(5)
    net = pb.NetParameter(input=["data"])
    layer = net.layers.add(bottom=["data"], top=["fc"]).layer
    layer.name, layer.type = "fc", "innerproduct"
    layer.blobs.extend([blob_proto(w, True), blob_proto(b, True)])
    path = write(tmp_path, net.SerializeToString())
    check(read_caffemodel(path), {"fc": [w.reshape(1, 1, 5, 6), b.reshape(1, 1, 1, 5)]})
    stripped = read_net_from_caffemodel(path).layer[0]
    assert (stripped.name, stripped.type, len(stripped.blobs)) == ("fc", "InnerProduct", 0)


def test_order_and_repeated_names(tmp_path):
    first, second = numbers(2), numbers(3)
    net = pb.NetParameter()
    for name, blob in [("z", first), ("a", first), ("z", second)]:
        net.layer.add(name=name, blobs=[blob_proto(blob)])
    net.layer.add(name="a")
    check(read_caffemodel(write(tmp_path, net.SerializeToString())), {"z": [second], "a": [first]})


SHAPE_4 = message(7, message(1, b"\x04"))
FOUR = np.array([1.5, -2, np.inf, 4e-39], np.float32)


@pytest.mark.parametrize(
    "blob",
    [
        message(5, FOUR.tobytes()) + SHAPE_4,
        SHAPE_4 + b"".join(b"\x2d" + x.tobytes() for x in FOUR),
        message(5, FOUR[:1].tobytes()) + message(5, b"") + SHAPE_4 + message(5, FOUR[1:].tobytes()),
        b"\x2d" + FOUR[:1].tobytes() + SHAPE_4 + message(5, FOUR[1:3].tobytes()) + b"\x2d" + FOUR[3:].tobytes(),
        message(8, FOUR.astype(np.float64).tobytes()) + SHAPE_4,
        SHAPE_4 + b"".join(b"\x41" + x.tobytes() for x in FOUR.astype(np.float64)),
        message(5, FOUR.tobytes()) + message(6, FOUR.tobytes()) + message(7, b"\x08\x04"),
        message(5, bytes(16)) + message(8, FOUR.astype(np.float64).tobytes()) + SHAPE_4,
    ],
    ids=["packed", "unpacked", "chunks", "mixed", "double", "unpacked-double", "with-diff", "double-first"],
)
def test_every_encoding_of_the_numbers(tmp_path, blob):
    path = write(tmp_path, model_of_blob(blob))
    check(read_caffemodel(path), {"fc": [FOUR]})
    net = pb.NetParameter.FromString(path.read_bytes())
    assert list(net.layer[0].blobs[0].shape.dim) == [4]


@pytest.mark.parametrize(
    ("diff", "wanted"),
    [
        (message(6, FOUR.tobytes()), FOUR),
        (b"".join(b"\x35" + x.tobytes() for x in FOUR), FOUR),
        (message(6, bytes(16)) + message(9, FOUR.astype(np.float64).tobytes()), FOUR),
        (b"", np.zeros(0, np.float32)),
    ],
    ids=["packed", "unpacked", "double-first", "none"],
)
def test_gradients_stored_with_the_weights(tmp_path, diff, wanted):
    path = write(tmp_path, model_of_blob(message(5, bytes(16)) + diff + SHAPE_4))
    check(read_caffemodel(path, diffs=True), {"fc": [wanted]})
    check(read_caffemodel(path), {"fc": [np.zeros(4, np.float32)]})


def test_gradients_of_another_count_are_an_error(tmp_path):
    path = write(tmp_path, model_of_blob(message(5, bytes(16)) + message(6, bytes(12)) + SHAPE_4))
    with pytest.raises(CaffeFormatError, match=r"needs 4 numbers; the file holds 3"):
        read_caffemodel(path, diffs=True)


def test_dims_in_several_pieces(tmp_path):
    blob = message(7, b"\x08\x02") + message(7, message(1, b"\x01\x02")) + message(5, FOUR.tobytes())
    check(read_caffemodel(write(tmp_path, model_of_blob(blob))), {"fc": [FOUR.reshape(2, 1, 2)]})


def test_scalars_and_empty_blobs(tmp_path):
    blobs = message(BLOBS, message(5, FOUR[:1].tobytes())) + message(BLOBS, message(7, message(1, b"\x00\x03")))
    path = write(tmp_path, message(LAYER, message(1, b"fc") + blobs))
    check(read_caffemodel(path), {"fc": [FOUR[0].reshape(()), np.zeros((0, 3), np.float32)]})


def test_fields_of_forks_are_passed_over(tmp_path):
    fork = message(5000, b"anything") + encode_varint(5001 << 3) + b"\x07" + encode_varint(5002 << 3 | 1) + bytes(8)
    blob = message(5, FOUR.tobytes()) + SHAPE_4 + fork + b"\x3d" + bytes(4)
    path = write(tmp_path, fork + model_of_blob(blob, fork))
    check(read_caffemodel(path), {"fc": [FOUR]})
    assert read_net_from_caffemodel(path).layer[0].name == "fc"


def test_a_long_run_of_unpacked_numbers(tmp_path):
    values = numbers(300_000)
    rows = np.empty((len(values), 5), np.uint8)
    rows[:, 0], rows[:, 1:] = 0x2D, values.view(np.uint8).reshape(-1, 4)
    blob = rows.tobytes() + message(7, message(1, encode_varint(len(values))))
    check(read_caffemodel(write(tmp_path, model_of_blob(blob))), {"fc": [values]})


def huge(*dims: int) -> bytes:
    return message(7, message(1, b"".join(encode_varint(d) for d in dims)))


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"", ["empty"]),
        (model_of_blob(message(5, bytes(12)) + SHAPE_4), ["layer 'fc', blob 0", "(4,)", "4 numbers", "holds 3"]),
        (model_of_blob(message(5, bytes(12)) + huge(2**31 - 1, 2**31 - 1)), ["layer 'fc', blob 0", "holds 3"]),
        (model_of_blob(huge(2**64 - 1)), ["layer 'fc', blob 0", "(-1,)", "not a valid shape"]),
        (model_of_blob(huge(*[1] * 33)), ["layer 'fc', blob 0", "32 axes"]),
        (model_of_blob(huge(0, *[2**31 - 1] * 20)), ["layer 'fc', blob 0", "not a valid shape"]),
        (model_of_blob(message(5, bytes(15)) + SHAPE_4), ["4 bytes each fill 15 bytes"]),
        (model_of_blob(message(5, FOUR.tobytes()) + SHAPE_4)[:-3], ["runs 3 bytes past", "truncated"]),
        (encode_varint(LAYER << 3 | 2) + b"\xff" * 9 + b"\x01", ["truncated"]),
        (b"\xff" * 20, ["does not end", "at byte 0 of 20"]),
        (b"\x0b\x00", ["unknown wire type 3"]),
        (b"\x00\x00", ["number 0"]),
        (message(LAYER, message(1, b"\xff\xfe")), ["not UTF-8"]),
        (message(1, b"net"), ["no layers"]),
        (b'name: "CaffeNet"\nlayer {}\n', ["is text", "prototxt"]),
        (b"\x89HDF\r\n\x1a\n" + bytes(20), ["an HDF5 file", ".h5"]),
        (b"<html>not found</html>", ["a web page"]),
        (b"version https://git-lfs.github.com/spec/v1\n", ["Git LFS pointer"]),
    ],
)
def test_broken_files(tmp_path, data, parts):
    with pytest.raises(CaffeFormatError) as caught:
        read_caffemodel(write(tmp_path, data))
    assert str(tmp_path / "net.caffemodel") in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(DgnamError, match=r"none.caffemodel: no such file"):
        read_weights(tmp_path / "none.caffemodel")
    with pytest.raises(FormatError, match="is a folder"):
        read_caffemodel(tmp_path)


def sample_model() -> bytes:
    net = pb.NetParameter(name="net")
    net.layer.add(
        name="conv", type="Convolution", blobs=[blob_proto(numbers(2, 1, 3, 3)), blob_proto(numbers(2), True)]
    )
    net.layers.add(name="fc", blobs=[pb.BlobProto(double_data=[1, 2, 3], shape=pb.BlobShape(dim=[3]))])
    net.layers.add().layer.blobs.add().CopyFrom(blob_proto(numbers(3)))
    return net.SerializeToString()


SAMPLE = sample_model()


@settings(max_examples=300, deadline=None)
@given(
    cut=st.integers(0, len(SAMPLE)),
    flips=st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 7)), max_size=4),
    extra=st.binary(max_size=12),
)
def test_damage_never_ends_in_another_error(tmp_path_factory, cut, flips, extra):
    data = bytearray(SAMPLE)
    for at, bit in flips:
        data[at] ^= 1 << bit
    path = write(tmp_path_factory.mktemp("damaged"), bytes(data[:cut]) + extra)
    for read in (read_caffemodel, read_net_from_caffemodel, read_blobproto):
        try:
            read(path)
        except CaffeFormatError as error:
            assert str(path) in str(error)  # noqa: PT017 (reading undamaged parts is right too)


NET = """name: "net"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
layer { name: "a/conv" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 2 kernel_size: 3 } }
layer { name: "scale" type: "Scale" bottom: "c" top: "c" }"""


@pytest.fixture
def net(tmp_path) -> pb.NetParameter:
    path = tmp_path / "net.prototxt"
    path.write_text(NET)
    return read_net(path)


def test_write_and_read_back(tmp_path, net):
    weights = {"a/conv": [numbers(2, 3, 3, 3), numbers(2)], "scale": [np.float64(2.5), np.zeros((0, 2))]}
    path = tmp_path / "out.caffemodel"
    write_caffemodel(path, net, weights)
    expected = {name: [np.asarray(blob, np.float32) for blob in blobs] for name, blobs in weights.items()}
    check(read_caffemodel(path), expected)
    assert read_net_from_caffemodel(path) == net
    proto = pb.NetParameter.FromString(path.read_bytes())
    assert list(proto.layer[1].blobs[0].shape.dim) == [2, 3, 3, 3]
    np.testing.assert_array_equal(np.array(proto.layer[1].blobs[0].data, np.float32), weights["a/conv"][0].ravel())
    assert sorted(os.listdir(tmp_path)) == ["net.prototxt", "out.caffemodel"]


def test_write_takes_arrays_of_any_layout(tmp_path, net):
    array = numbers(3, 3, 3, 2).T
    write_caffemodel(tmp_path / "out.caffemodel", net, {"a/conv": [array, numbers(4)[::2]]})
    check(read_caffemodel(tmp_path / "out.caffemodel"), {"a/conv": [array, numbers(4)[::2]]})


def test_write_drops_the_definitions_own_blobs(tmp_path, net):
    net.layer[1].blobs.add().CopyFrom(blob_proto(numbers(7)))
    write_caffemodel(tmp_path / "out.caffemodel", net, {})
    assert read_caffemodel(tmp_path / "out.caffemodel") == {}
    assert len(net.layer[1].blobs) == 1


def test_write_errors_leave_the_old_file(tmp_path, net, monkeypatch):
    path = tmp_path / "out.caffemodel"
    path.write_bytes(b"old")
    with pytest.raises(CaffeError, match=r"no layer 'a/con'.*a/conv"):
        write_caffemodel(path, net, {"a/con": []})
    with pytest.raises(CaffeError, match="old form"):
        write_caffemodel(path, pb.NetParameter(layers=[pb.V1LayerParameter()]), {})
    with pytest.raises(DgnamError, match="no folder"):
        write_caffemodel(tmp_path / "none" / "x.caffemodel", net, {})
    monkeypatch.setattr(caffemodel, "_MAX_BYTES", 100)
    with pytest.raises(CaffeError, match="at most 2 GB; write HDF5"):
        write_caffemodel(path, net, {"a/conv": [numbers(5, 5)]})
    assert path.read_bytes() == b"old"


def test_mean_image(tmp_path):
    mean = numbers(1, 3, 4, 5)
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(blob_proto(mean, True).SerializeToString())
    np.testing.assert_array_equal(read_blobproto(path), mean, strict=True)
    path.write_bytes(struct.pack("<BBf", 8, 1, 0))
    with pytest.raises(CaffeFormatError, match=r"mean.binaryproto"):
        read_blobproto(path)


def published(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs the published model ../shared/weights/{name}")
    return path


@pytest.mark.parametrize(
    ("name", "layers", "first", "last"),
    [
        ("squeezenet_v1.0.caffemodel", 26, ("conv1", [(96, 3, 7, 7), (96,)]), ("conv10", [(1000, 512, 1, 1), (1000,)])),
        (
            "cifar10_quick_v1_legacy.caffemodel",
            5,
            ("conv1", [(32, 3, 5, 5), (1, 1, 1, 32)]),
            ("ip2", [(1, 1, 10, 64), (1, 1, 1, 10)]),
        ),
        ("cifar10_quick_v2.caffemodel", 5, ("conv1", [(32, 3, 5, 5), (32,)]), ("ip2", [(10, 64), (10,)])),
    ],
)
def test_published_models(tmp_path, name, layers, first, last):
    path = published(name)
    weights = read_caffemodel(path)
    shapes = [(layer, [blob.shape for blob in blobs]) for layer, blobs in weights.items()]
    assert (len(shapes), shapes[0], shapes[-1]) == (layers, first, last)
    whole = pb.NetParameter.FromString(path.read_bytes())
    for layer in (*whole.layer, *whole.layers):
        for proto, blob in zip(layer.blobs, weights.get(layer.name, []), strict=True):
            np.testing.assert_array_equal(np.array(proto.data, np.float32), blob.ravel())
    net = read_net_from_caffemodel(path)
    assert set(weights) < {layer.name for layer in net.layer}
    write_caffemodel(tmp_path / name, net, weights)
    check(read_caffemodel(tmp_path / name), weights)


def test_published_mean():
    mean = read_blobproto(published("cifar10_mean.binaryproto"))
    assert mean.shape == (1, 3, 32, 32)
    assert 100 < mean.mean() < 140


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path):
    path = write(tmp_path, bytes(64))
    wire = WireFile(path)
    os.truncate(path, 16)
    with pytest.raises(CaffeFormatError, match="the file was truncated during reading at byte 8 of 64"):
        wire.loaded(Field(0, BYTES, 0, 8, 64, 0), np.dtype("<f4"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc to tell the memory")
def test_reading_takes_the_memory_of_the_weights_once(tmp_path):
    path, size = tmp_path / "net.caffemodel", 1 << 26
    net = pb.NetParameter(layer=[pb.LayerParameter(name="fc")])
    write_caffemodel(path, net, {"fc": [np.ones(size // 4, np.float32)]})
    # A process of its own, whose peak nothing else has raised; what a first read takes for itself comes before.
    program = f"""
import numpy as np
from pathlib import Path
from dgnam.caffe.proto import read_caffemodel
def kilobytes(name):
    return int(Path("/proc/self/status").read_text().split(name + ":")[1].split()[0])
before = kilobytes("VmRSS")
weights = read_caffemodel({str(path)!r})
print(1024 * (kilobytes("VmHWM") - before))
"""
    took = int(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)
    assert size <= took < 1.25 * size
