"""`dgnam caffe compute-image-mean`: means worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dgnam.caffe.databases.datum import encoded_datum
from dgnam.caffe.images.cv_codec import encode_image
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb, read_blobproto
from dgnam.caffe.tools.compute_image_mean import compute_image_mean
from dgnam.errors import CaffeError, CaffeFormatError
from tests.caffe.made_databases import datum, make_database, noise
from tests.caffe.tools.commands import messages, run

IMAGES = [noise(3, 4, 5, seed=k) for k in range(3)]
MEAN = (np.sum(IMAGES, 0, dtype=np.float32) / np.float32(3))[np.newaxis]


def test_the_mean_image_and_each_channels_mean(tmp_path, capsys):
    make_database(tmp_path / "db", [datum(image) for image in IMAGES])
    run("compute_image_mean", f"{tmp_path}/db", f"{tmp_path}/mean.binaryproto")
    assert np.array_equal(read_blobproto(tmp_path / "mean.binaryproto"), MEAN)
    # Caffe's form has the four old axes.
    blob = pb.BlobProto.FromString((tmp_path / "mean.binaryproto").read_bytes())
    assert (blob.num, blob.channels, blob.height, blob.width, blob.HasField("shape")) == (1, 3, 4, 5, False)
    lines = messages(capsys)
    assert lines[:4] == [
        "Starting iteration",
        "Processed 3 files.",
        f"Write to {tmp_path}/mean.binaryproto",
        "Number of channels: 3",
    ]
    for channel, line in enumerate(lines[4:]):
        what, value = line.split(": ")
        assert what == f"mean_value channel [{channel}]"
        assert float(value) == pytest.approx(np.mean([image[channel] for image in IMAGES]), rel=1e-5)
    assert len(lines) == 7


def test_without_an_output_nothing_is_written(tmp_path, capsys):
    make_database(tmp_path / "db", [datum(IMAGES[0])])
    before = sorted(tmp_path.iterdir())
    run("compute-image-mean", "-backend", "lmdb", f"{tmp_path}/db")
    assert sorted(tmp_path.iterdir()) == before
    assert "Number of channels: 3" in messages(capsys)


def test_floats_encoded_images_and_leveldb(tmp_path):
    floats = [np.float32([[[0.5, -1]]]), np.float32([[[1, 4]]])]
    make_database(tmp_path / "floats", [datum(image) for image in floats])
    assert compute_image_mean(tmp_path / "floats").tolist() == [[[[0.75, 1.5]]]]
    encoded = [encoded_datum(encode_image(image.transpose(1, 2, 0), "png"), 0) for image in IMAGES]
    make_database(tmp_path / "encoded", encoded)
    assert np.array_equal(compute_image_mean(tmp_path / "encoded"), MEAN)
    pytest.importorskip("plyvel", reason="LevelDB needs the package plyvel")
    make_database(tmp_path / "level", [datum(image) for image in IMAGES], backend="leveldb")
    assert np.array_equal(compute_image_mean(tmp_path / "level", "leveldb"), MEAN)


def test_a_data_layer_takes_the_mean_off(tmp_path):
    make_database(tmp_path / "db", [datum(image) for image in IMAGES])
    run("compute_image_mean", f"{tmp_path}/db", f"{tmp_path}/mean")
    net = Net(
        parse_net(
            f'layer {{ name: "d" type: "Data" top: "x" transform_param {{ mean_file: "{tmp_path}/mean" }} '
            f'data_param {{ source: "{tmp_path}/db" backend: LMDB batch_size: 3 }} }}'
        ),
        pb.TEST,
    )
    assert np.abs(net.forward()["x"].sum(0)).max() < 1e-4


def test_what_can_not_be(tmp_path):
    make_database(tmp_path / "sizes", [datum(IMAGES[0]), datum(noise(3, 4, 6))])
    with pytest.raises(CaffeError, match=r"key '00000001': the image has shape \(3, 4, 6\); the first has"):
        compute_image_mean(tmp_path / "sizes")
    make_database(tmp_path / "empty", [])
    with pytest.raises(CaffeFormatError, match="the database is empty"):
        compute_image_mean(tmp_path / "empty")
    make_database(tmp_path / "junk", [b"\xff"])
    with pytest.raises(CaffeFormatError, match="junk, key '00000000': not a Datum"):
        compute_image_mean(tmp_path / "junk")
    with pytest.raises(CaffeError, match="absent: there is no such database"):
        run("compute-image-mean", f"{tmp_path}/absent")
