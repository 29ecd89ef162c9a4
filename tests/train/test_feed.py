"""What a data layer says, and the batches made so."""

import re

import numpy as np
import pytest

from dgnam.caffe.io import array_to_blobproto
from dgnam.caffe.proto import parse_net, pb
from dgnam.data.image_set import DataError, ImageSet, load_set, preprocess
from dgnam.errors import DgnamError
from dgnam.train.feed import Batches, FeedSpec, cut_feed
from tests.toy import TRAIN_VAL

SPEC = FeedSpec("toy-train", 16, 12, True, (104.0, 117.0, 123.0))


def test_the_data_layer_becomes_an_input_and_its_options_a_spec():
    spec, net = cut_feed(parse_net(TRAIN_VAL, "test"), pb.TRAIN)
    assert spec == SPEC
    assert [layer.type for layer in net.layer[:2]] == ["Input", "Convolution"]
    assert [list(s.dim) for s in net.layer[0].input_param.shape] == [[16, 3, 12, 12], [16]]
    assert cut_feed(parse_net(TRAIN_VAL, "test"), pb.TEST)[0].source == "toy-val"


def test_a_net_without_a_data_layer_or_crop_is_an_error():
    with pytest.raises(
        DgnamError, match=r"one ImageData or Data layer, or Python layer .*ClipData, in phase TRAIN, not 0"
    ):
        cut_feed(parse_net('name: "empty"', "test"), pb.TRAIN)
    with pytest.raises(DgnamError, match="needs a crop_size"):
        cut_feed(parse_net(TRAIN_VAL.replace("crop_size: 12", ""), "test"), pb.TRAIN)


def test_a_data_layer_of_a_database_gives_a_spec_too():
    first, rest = TRAIN_VAL.index("layer"), TRAIN_VAL.index('layer { name: "data" type: "ImageData"', 20)
    layer = """layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
      transform_param { crop_size: 12 scale: 0.5 mean_value: 9 }
      data_param { source: "x/train_lmdb" batch_size: 4 backend: LMDB } }
    """
    text = TRAIN_VAL[:first] + layer + TRAIN_VAL[rest:]
    spec, net = cut_feed(parse_net(text, "test"), pb.TRAIN)
    assert spec == FeedSpec("x/train_lmdb", 4, 12, False, (9, 9, 9), 0.5)
    assert net.layer[0].type == "Input"
    assert (spec.prepared(np.full((1, 2, 2, 3), 29, np.uint8)) == 10).all()


def test_pictures_that_come_again_count_once():
    images = ImageSet("few", np.zeros((50, 14, 14, 3), np.uint8), np.zeros(50, np.int64), ())
    batches = Batches(images, SPEC, 0)
    assert [batches.different(count) for count in (1, 3)] == [16, 48]
    assert 48 < batches.different(20) <= 50


def test_without_a_mean_none_is_taken_off():
    text = re.sub(r"mean_value: \d+", "", TRAIN_VAL)
    assert cut_feed(parse_net(text, "test"), pb.TRAIN)[0].mean == (0, 0, 0)


def test_a_mean_image_is_cut_and_turned_as_the_picture_is(data_folder, tmp_path):
    """As Caffe does it: the mean comes off before, so a picture that is the mean becomes zero wherever it is cut."""
    whole = load_set("toy-train", data_folder)
    mean = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(
        array_to_blobproto(mean[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32)).SerializeToString()
    )
    text = re.sub(r"mean_value: \d+", "", TRAIN_VAL).replace("mirror: true", f'mirror: true mean_file: "{path}"')
    spec, _ = cut_feed(parse_net(text, "test"), pb.TRAIN)
    alike = ImageSet("alike", np.repeat(mean[None], 40, 0), np.zeros(40, np.int64), ())
    assert not Batches(alike, spec, seed=1).prepared(1)[0].any()
    assert not spec.centres(alike.images).any()
    prepared, _ = Batches(whole, spec, seed=1).prepared(1)
    plain, _ = Batches(whole, spec, seed=1).batch(1)
    assert not np.array_equal(prepared, preprocess(plain, (0, 0, 0)))
    with pytest.raises(DgnamError, match=r"mean.binaryproto is 16x16, and the pictures of 'toy-train' are 20x16"):
        spec.centres(np.zeros((1, 20, 16, 3), np.uint8))


def test_a_listing_s_root_and_size_are_taken_over():
    options = 'root_folder: "pictures/" new_height: 20 new_width: 24 source'
    spec, _ = cut_feed(parse_net(TRAIN_VAL.replace("source", options, 1), "test"), pb.TRAIN)
    assert (spec.root, spec.resize) == ("pictures/", (20, 24))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("crop_size: 12 mirror", 'crop_size: 12 mean_file: "m" mirror', "transform_param has both mean_file and mean_"),
        ("crop_size: 12 mirror", "crop_size: 12 mean_value: 1 mirror", "give 3 mean_value entries"),
        ("source", "is_color: false source", "give one mean_value of gray pictures, not 3"),
        ("crop_size: 12 mirror", "force_gray: true crop_size: 12 mirror", "force_gray is for Data layers"),
        (
            "crop_size: 12 mirror",
            "force_gray: true force_color: true crop_size: 12 mirror",
            "transform_param has both force_",
        ),
        ("source", "new_height: 3 source", "give new_height and new_width together"),
    ],
)
def test_options_that_the_trainers_lack_are_refused(old, new, message):
    with pytest.raises(DgnamError, match=f"net 'tiny', layer 'data': {message}"):
        cut_feed(parse_net(TRAIN_VAL.replace(old, new, 1), "test"), pb.TRAIN)


def test_every_picture_comes_once_an_epoch_and_batches_repeat(data_folder):
    batches = Batches(load_set("toy-train", data_folder), SPEC, seed=1)
    per_epoch = 120 // 16
    seen = np.concatenate([batches.batch(k)[1] for k in range(per_epoch)])
    assert len(seen) == per_epoch * 16
    first, again = batches.batch(3), batches.batch(3)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(batches.batch(3)[0], batches.batch(3 + per_epoch)[0])
    assert not np.array_equal(first[0], Batches(batches.images, SPEC, seed=2).batch(3)[0])


def test_the_stream_gives_the_batches_preprocessed(data_folder):
    batches = Batches(load_set("toy-train", data_folder), SPEC, seed=1)
    for number, (x, y) in enumerate(batches.stream(2, 5), 2):
        images, labels = batches.batch(number)
        assert np.array_equal(x, preprocess(images))
        assert np.array_equal(y, labels)


def test_an_error_in_the_maker_reaches_the_taker_and_leaving_early_is_fine(data_folder, monkeypatch):
    batches = Batches(load_set("toy-train", data_folder), SPEC, seed=1)
    for _ in batches.stream(0, 100):
        break
    monkeypatch.setattr(Batches, "batch", lambda self, number: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(batches.stream(0, 3))


def test_sets_too_small_are_refused(data_folder):
    images = load_set("toy-train", data_folder)
    with pytest.raises(DataError, match="crop_size 20 is more than its pictures' 16"):
        Batches(images, FeedSpec("toy-train", 16, 20, True, SPEC.mean), 0)
    with pytest.raises(DataError, match="120 pictures fill no batch of 500"):
        Batches(images, FeedSpec("toy-train", 500, 12, True, SPEC.mean), 0)
