"""The options of data layers, and the net with an Input layer in their place."""

import re

import numpy as np
import pytest

from dgnam.caffe.io import array_to_blobproto
from dgnam.caffe.proto import parse_net, pb
from dgnam.data.dataset import Dataset, open_dataset
from dgnam.data.preprocessing import preprocess
from dgnam.errors import DgnamError
from dgnam.train.data_layer import DataLayer, split_data_layer
from dgnam.train.image_loader import ImageLoader
from tests.toy import TRAIN_VAL

LAYER = DataLayer("toy-train", 16, 12, True, (104.0, 117.0, 123.0))


def test_data_layer_becomes_input():
    layer, net = split_data_layer(parse_net(TRAIN_VAL, "test"), pb.TRAIN)
    assert layer == LAYER
    assert [layer.type for layer in net.layer[:2]] == ["Input", "Convolution"]
    assert [list(s.dim) for s in net.layer[0].input_param.shape] == [[16, 3, 12, 12], [16]]
    assert split_data_layer(parse_net(TRAIN_VAL, "test"), pb.TEST)[0].source == "toy-val"


def test_missing_data_layer_or_crop_is_an_error():
    with pytest.raises(
        DgnamError,
        match=r"one ImageData or Data layer, or Python layer .*ClipData or .*AugmentedData, in phase TRAIN, not 0",
    ):
        split_data_layer(parse_net('name: "empty"', "test"), pb.TRAIN)
    with pytest.raises(DgnamError, match="needs a crop_size"):
        split_data_layer(parse_net(TRAIN_VAL.replace("crop_size: 12", ""), "test"), pb.TRAIN)


def test_options_of_a_database_layer():
    first, rest = TRAIN_VAL.index("layer"), TRAIN_VAL.index('layer { name: "data" type: "ImageData"', 20)
    layer = """layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
      transform_param { crop_size: 12 scale: 0.5 mean_value: 9 }
      data_param { source: "x/train_lmdb" batch_size: 4 backend: LMDB } }
    """
    text = TRAIN_VAL[:first] + layer + TRAIN_VAL[rest:]
    layer, net = split_data_layer(parse_net(text, "test"), pb.TRAIN)
    assert layer == DataLayer("x/train_lmdb", 4, 12, False, (9, 9, 9), 0.5)
    assert net.layer[0].type == "Input"
    assert (layer.prepared(np.full((1, 2, 2, 3), 29, np.uint8)) == 10).all()


def test_missing_mean_is_zero():
    text = re.sub(r"mean_value: \d+", "", TRAIN_VAL)
    assert split_data_layer(parse_net(text, "test"), pb.TRAIN)[0].mean == (0, 0, 0)


def test_mean_image_is_cropped_and_mirrored_with_pictures(data_folder, tmp_path):
    """As Caffe does it: the mean comes off before, so a picture that is the mean becomes zero wherever it is cut."""
    whole = open_dataset("toy-train", folder=data_folder)
    mean = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(
        array_to_blobproto(mean[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32)).SerializeToString()
    )
    text = re.sub(r"mean_value: \d+", "", TRAIN_VAL).replace("mirror: true", f'mirror: true mean_file: "{path}"')
    layer, _ = split_data_layer(parse_net(text, "test"), pb.TRAIN)
    alike = Dataset.of_arrays("alike", np.repeat(mean[None], 40, 0), np.zeros(40))
    assert not ImageLoader(alike, layer, seed=1).prepared(1)[0].any()
    assert not layer.centers(alike.take(slice(None))[0]).any()
    prepared, _ = ImageLoader(whole, layer, seed=1).prepared(1)
    plain, _ = ImageLoader(whole, layer, seed=1).batch(1)
    assert not np.array_equal(prepared, preprocess(plain, (0, 0, 0)))
    with pytest.raises(DgnamError, match=r"mean.binaryproto is 16x16, and the pictures of 'toy-train' are 20x16"):
        layer.centers(np.zeros((1, 20, 16, 3), np.uint8))


def test_root_and_size_of_a_listing():
    options = 'root_folder: "pictures/" new_height: 20 new_width: 24 source'
    layer, _ = split_data_layer(parse_net(TRAIN_VAL.replace("source", options, 1), "test"), pb.TRAIN)
    assert (layer.root, layer.resize) == ("pictures/", (20, 24))


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
def test_unsupported_options_are_refused(old, new, message):
    with pytest.raises(DgnamError, match=f"net 'tiny', layer 'data': {message}"):
        split_data_layer(parse_net(TRAIN_VAL.replace(old, new, 1), "test"), pb.TRAIN)
