"""Data: hand-derived cases of order, batches, shapes and transforms, and databases that are broken."""

from pathlib import Path

import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe import parallel
from dgnam.caffe.databases.datum import encoded_datum
from dgnam.caffe.images.cv_codec import encode_image
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb
from dgnam.errors import CaffeError, CaffeFormatError
from tests.caffe.made_databases import datum, make_database, noise

IMAGES = [noise(2, 3, 4, seed=k) for k in range(5)]


def data_net(
    source: Path, options: str = "batch_size: 2", transform: str = "", phase: int = pb.TEST, tops: str = "data label"
) -> Net:
    backend = "" if "backend" in options else "backend: LMDB"
    return Net(
        parse_net(
            f'layer {{ name: "d" type: "Data" {" ".join(f"top: {chr(34)}{top}{chr(34)}" for top in tops.split())} '
            f'data_param {{ source: "{source}" {backend} {options} }} transform_param {{ {transform} }} }}'
        ),
        phase,
    )


def labels(net: Net, passes: int) -> list[list[float]]:
    return [net.forward()["label"].tolist() for _ in range(passes)]


@pytest.fixture
def five(tmp_path) -> Path:
    return make_database(tmp_path / "db", [datum(image, 10 + k) for k, image in enumerate(IMAGES)])


def test_batches_in_the_order_of_the_keys_and_round_again(tmp_path):
    source = make_database(
        tmp_path / "db", [datum(image, k) for k, image in enumerate(IMAGES)], [b"z", b"a", b"m", b"aa", b"~"]
    )
    net = data_net(source)
    assert net.blobs["data"].shape == (2, 2, 3, 4)
    assert net.blobs["label"].shape == (2,)
    assert net.inputs == []
    assert labels(net, 3) == [[1, 3], [2, 0], [4, 1]]
    assert np.array_equal(net.blobs["data"].data, [IMAGES[4], IMAGES[1]])


def test_leveldb(tmp_path):
    pytest.importorskip("plyvel", reason="LevelDB needs the package plyvel")
    source = make_database(tmp_path / "db", [datum(IMAGES[0], 1)], backend="leveldb")
    # It is the backend that Caffe has where none is given.
    net = data_net(source, "batch_size: 3 backend: LEVELDB")
    assert labels(net, 1) == [[1, 1, 1]]
    assert np.array_equal(net.blobs["data"].data, [IMAGES[0]] * 3)


def test_labels_may_be_left_out(five):
    net = data_net(five, tops="data")
    assert list(net.forward()) == ["data"]
    with pytest.raises(CaffeError, match="has 3 top blobs; takes 1 to 2"):
        data_net(five, tops="data label more")


def test_transforms(five, tmp_path):
    mean = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    blob = pb.BlobProto(num=1, channels=2, height=3, width=4, data=mean.ravel().tolist())
    (tmp_path / "mean").write_bytes(blob.SerializeToString())
    net = data_net(five, transform=f'crop_size: 2 scale: 0.25 mean_file: "{tmp_path}/mean"')
    net.forward()
    expected = (np.stack(IMAGES[:2])[:, :, :2, 1:3] - mean[:, :, :2, 1:3]) * np.float32(0.25)
    assert np.array_equal(net.blobs["data"].data, expected)


def test_the_old_fields_are_of_v1_alone(five):
    # In V1 they move to transform_param; in the present form Caffe passes them over.
    old = Net(
        parse_net(
            f'layers {{ name: "d" type: DATA top: "data" top: "label" '
            f'data_param {{ source: "{five}" backend: LMDB batch_size: 1 scale: 2 crop_size: 2 }} }}'
        ),
        pb.TEST,
    )
    assert np.array_equal(old.forward()["data"][0], 2.0 * IMAGES[0][:, :2, 1:3])
    new = data_net(five, "batch_size: 1 scale: 2 crop_size: 2 rand_skip: 3 force_encoded_color: true")
    assert np.array_equal(new.forward()["data"][0], IMAGES[0])


def test_floats(tmp_path):
    values = np.float32([[[0.5, -7.25]]])
    net = data_net(make_database(tmp_path / "db", [datum(values, 3)]), "batch_size: 1", "mean_value: 0.5 scale: 2")
    assert net.forward()["data"].tolist() == [[[[0, -15.5]]]]


def test_encoded_images(tmp_path):
    gray, color = noise(3, 4, 1), noise(3, 4, 3)
    records = [encoded_datum(encode_image(image, "png"), k) for k, image in enumerate((gray, color))]
    source = make_database(tmp_path / "db", records)
    net = data_net(source, "batch_size: 1")
    assert np.array_equal(net.forward()["data"][0], gray.transpose(2, 0, 1))
    assert np.array_equal(net.forward()["data"][0], color.transpose(2, 0, 1))
    forced = data_net(source, transform="force_color: true").forward()["data"]
    assert np.array_equal(forced[0], gray.transpose(2, 0, 1).repeat(3, 0))
    assert data_net(source, transform="force_gray: true").forward()["data"].shape == (2, 1, 3, 4)
    with pytest.raises(CaffeError, match="has both force_color and force_gray"):
        data_net(source, transform="force_gray: true force_color: true")


def test_forcing_a_color_does_nothing_to_raw_data_but_warn(five):
    with pytest.warns(UserWarning, match="for encoded data, and this isn't"):
        net = data_net(five, "batch_size: 1", "force_color: true force_gray: true")
    with pytest.warns(UserWarning, match="for encoded data"):
        assert np.array_equal(net.forward()["data"][0], IMAGES[0])


def test_images_of_different_sizes(tmp_path):
    images = [noise(1, 4 + k, 5 - k, seed=k) for k in range(3)]
    source = make_database(tmp_path / "db", [datum(image) for image in images])
    net = data_net(source, "batch_size: 1")
    assert [net.forward()["data"].shape for _ in range(4)] == [(1, 1, 4, 5), (1, 1, 5, 4), (1, 1, 6, 3), (1, 1, 4, 5)]
    cropped = data_net(source, "batch_size: 2", "crop_size: 3").forward()["data"]
    assert np.array_equal(cropped[:, 0], [images[0][0, 0:3, 1:4], images[1][0, 1:4, 0:3]])
    with pytest.raises(CaffeError, match=r"key '00000001' has shape \(1, 5, 4\), the first .* \(1, 4, 5\)"):
        data_net(source).forward()
    with pytest.raises(CaffeError, match=r"crop_size 5 is larger than .*key '00000000', which is 4x5"):
        data_net(source, transform="crop_size: 5")


def test_the_net_above_follows_the_shape(tmp_path):
    source = make_database(tmp_path / "db", [datum(noise(1, 4, 5)), datum(noise(1, 6, 7))])
    text = (
        f'layer {{ name: "d" type: "Data" top: "x" data_param {{ source: "{source}" backend: LMDB batch_size: 1 }} }}'
        'layer { name: "p" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 2 stride: 2 } }'
    )
    net = Net(parse_net(text), pb.TEST)
    assert [net.forward()["y"].shape for _ in range(2)] == [(1, 1, 2, 3), (1, 1, 3, 4)]


@pytest.mark.parametrize("prefetch", [0, 1, 4])
def test_random_batches_repeat_with_the_seed_and_without_the_thread(five, prefetch):
    def batches(options: str) -> np.ndarray:
        caffe.set_random_seed(5)
        net = data_net(five, f"batch_size: 3 {options}", "mirror: true crop_size: 2", pb.TRAIN)
        return np.stack([net.forward()["data"].copy() for _ in range(6)])

    assert np.array_equal(batches(""), batches(f"prefetch: {prefetch}"))


def test_a_view_stays_valid_from_pass_to_pass(five):
    net = data_net(five, "batch_size: 1")
    view = net.blobs["data"].data
    for image in IMAGES:
        net.forward()
        assert np.array_equal(view[0], image)


def test_solvers_share_the_records_out_in_train(five):
    try:
        parallel.set_solver_count(2)
        parallel.set_solver_rank(1)
        assert labels(data_net(five, phase=pb.TRAIN), 3) == [[11, 13], [10, 12], [14, 11]]
        assert labels(data_net(five), 2) == [[10, 11], [12, 13]]
        parallel.set_solver_rank(2)
        with pytest.raises(CaffeError, match="rank is 2 of 2"):
            data_net(five, phase=pb.TRAIN).forward()
    finally:
        parallel.set_solver_count(1)
        parallel.set_solver_rank(0)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "db: the database is empty"),
        ([b"\xff\xff\xff"], "db, key '00000000': not a Datum"),
        ([b""], "key '00000000': a datum of shape"),
        ([pb.Datum(channels=1, height=9, width=9, data=b"12")], r"needs 81 numbers; it has 2"),
        ([encoded_datum(b"\x89PNG\r\n\x1a\n", 0)], "db, key '00000000': not"),
    ],
)
def test_broken_databases(tmp_path, records, message):
    source = make_database(tmp_path / "db", records)
    with pytest.raises(CaffeFormatError, match=message):
        data_net(source)


def test_broken_records_further_on(tmp_path):
    net = data_net(make_database(tmp_path / "db", [datum(IMAGES[0]), b"\xff"]), "batch_size: 1")
    net.forward()
    with pytest.raises(CaffeFormatError, match="key '00000001': not a Datum"):
        net.forward()
    assert np.array_equal(net.forward()["data"][0], IMAGES[0])


def test_a_database_that_is_cut_short(tmp_path):
    source = make_database(tmp_path / "db", [datum(noise(3, 64, 64), k) for k in range(20)])
    file = source / "data.mdb"
    net = data_net(source, "batch_size: 1")
    net.forward()
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 3])
    with pytest.raises(CaffeFormatError, match=r"data\.mdb: is truncated"):
        data_net(source)
    with pytest.raises(CaffeFormatError, match=r"data\.mdb: is truncated"):
        labels(net, 20)


def test_options_that_can_not_be(five):
    with pytest.raises(CaffeError, match=r"layer 'd' \(Data\): batch_size must be positive"):
        data_net(five, "")
    with pytest.raises(CaffeError, match=r"layer 'd' \(Data\): needs a source in data_param"):
        Net(parse_net('layer { name: "d" type: "Data" top: "x" data_param { batch_size: 1 } }'), pb.TEST)
    with pytest.raises(CaffeError, match="absent: there is no such database"):
        data_net(five.parent / "absent")
