"""`dgnam caffe extract-features`: records worked out from the net's own blobs, in Caffe's bytes."""

from __future__ import annotations

import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe.databases.backends import open_database
from dgnam.caffe.proto import pb
from dgnam.caffe.tools import extract_features as module
from dgnam.caffe.tools.extract_features import extract_features
from dgnam.errors import CaffeError, DgnamError
from tests.caffe.made_databases import datum, make_database, noise
from tests.caffe.tools.commands import messages, run

NET = """
name: "features"
layer { name: "d" type: "Data" top: "data" top: "label" data_param { source: "pictures" batch_size: 2 backend: LMDB } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "fc7" type: "InnerProduct" bottom: "conv" top: "fc7"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "relu7" type: "ReLU" bottom: "fc7" top: "fc7" }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Three pictures in batches of two: the second batch begins again."""
    monkeypatch.chdir(tmp_path)
    make_database(tmp_path / "pictures", [datum(noise(3, 4, 5, seed=k), label=k + 7) for k in range(3)])
    (tmp_path / "net.prototxt").write_text(NET)
    caffe.Net("net.prototxt", caffe.TEST).save("net.caffemodel")
    return tmp_path


def records(path: str, backend: str = "lmdb") -> list[tuple[bytes, bytes]]:
    return [(record.key, record.read()) for record in open_database(path, backend).records()]


def batches(blob: str, count: int) -> list[np.ndarray]:
    """The items of a blob over so many passes."""
    net = caffe.Net("net.prototxt", caffe.TEST, weights="net.caffemodel")
    found = []
    for _ in range(count):
        net.forward()
        found += list(net.blobs[blob].data.copy())
    return found


@pytest.mark.parametrize("spelling", ["extract_features", "extract-features"])
def test_records_are_caffes_datums(spelling, capsys):
    run(spelling, "net.caffemodel", "net.prototxt", "fc7", "features", "2", "lmdb")
    expected = [
        pb.Datum(channels=4, height=1, width=1, float_data=item.tolist()).SerializeToString()
        for item in batches("fc7", 2)
    ]
    assert records("features") == [(f"{k:010d}".encode(), value) for k, value in enumerate(expected)]
    assert messages(capsys)[-3:] == [
        "Extracting Features",
        "Extracted features of 4 query images for feature blob fc7",
        "Successfully extracted the features!",
    ]


def test_several_blobs_in_their_shapes(folder):
    pytest.importorskip("plyvel", reason="LevelDB needs the package plyvel")
    run("extract_features", "net.caffemodel", "net.prototxt", "conv,label", "a,b", "2", "leveldb", "CPU", "0")
    convs, labels = ([pb.Datum.FromString(value) for _, value in records(name, "leveldb")] for name in "ab")
    assert [(d.channels, d.height, d.width) for d in convs] == [(2, 2, 3)] * 4
    for found, item in zip(convs, batches("conv", 2), strict=True):
        np.testing.assert_array_equal(np.float32(found.float_data), item.ravel())
    assert [(d.channels, d.height, d.width, *d.float_data) for d in labels] == [(1, 1, 1, k) for k in (7, 8, 9, 7)]


def test_features_are_pictures_of_a_data_layer():
    run("extract_features", "net.caffemodel", "net.prototxt", "conv", "features", "1", "lmdb")
    text = 'layer { name: "d" type: "Data" top: "x" data_param { source: "features" backend: LMDB batch_size: 2 } }'
    net = caffe.Net(caffe.proto.parse_net(text), caffe.TEST)
    np.testing.assert_array_equal(net.forward()["x"], batches("conv", 1))


def test_commits_every_so_often(monkeypatch, capsys):
    monkeypatch.setattr(module, "COMMIT_EVERY", 3)
    assert extract_features("net.caffemodel", "net.prototxt", ["fc7"], ["f"], 4) == [8]
    assert len(records("f")) == 8


def test_inputs_without_data_are_said(folder, caplog):
    (folder / "deploy.prototxt").write_text(
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 5 } } }'
        + NET[NET.index('layer { name: "conv"') :]
    )
    extract_features("net.caffemodel", "deploy.prototxt", ["fc7"], ["f"], 1)
    assert "give it a data layer" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("net.caffemodel net.prototxt fc9 f 1 lmdb", "no blob 'fc9'; its blobs, the closest first: fc7"),
        ("net.caffemodel net.prototxt fc7,conv f 1 lmdb", "got 2 blobs and 1 databases"),
        ("net.caffemodel net.prototxt fc7,conv f,./f 1 lmdb", "give each blob a database of its own; got f, ./f"),
        ("net.caffemodel net.prototxt fc7 f 0 lmdb", "the number of mini-batches is 0"),
        ("net.caffemodel net.prototxt fc7 f 1 LMDB", "unknown database backend 'LMDB'"),
        ("net.caffemodel net.prototxt fc7 f 1 lmdb gpu", "'gpu': use CPU or GPU"),
        ("net.caffemodel net.prototxt fc7 absent/f 1 lmdb", "can't create a database: no folder absent"),
        ("net.caffemodel net.prototxt fc7 pictures 1 lmdb", "pictures: can't create a database: File exists"),
        ("absent.caffemodel net.prototxt fc7 f 1 lmdb", "absent.caffemodel: no such file"),
    ],
)
def test_what_can_not_be_leaves_nothing(arguments, message, folder):
    before = sorted(folder.iterdir())
    with pytest.raises(DgnamError, match=message):
        run("extract_features", *arguments.split())
    assert sorted(folder.iterdir()) == before


def test_a_failure_on_the_way_leaves_nothing(folder, monkeypatch):
    monkeypatch.setattr(module, "COMMIT_EVERY", 1)
    content = (folder / "pictures" / "data.mdb").read_bytes()
    make_database(folder / "damaged", [datum(noise(3, 4, 5)), datum(noise(3, 4, 5)), b"\xff", datum(noise(3, 4, 5))])
    (folder / "net.prototxt").write_text(NET.replace('"pictures"', '"damaged"'))
    before = sorted(folder.iterdir())
    with pytest.raises(CaffeError, match="damaged, key '00000002': not a Datum"):
        extract_features("net.caffemodel", "net.prototxt", ["fc7", "conv"], ["f", "g"], 2)
    assert sorted(folder.iterdir()) == before
    assert (folder / "pictures" / "data.mdb").read_bytes() == content
