"""The options of data layers, and the net with an Input layer in their place."""

import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dgnam.caffe.io import array_to_blobproto
from dgnam.caffe.proto import parse_net, pb
from dgnam.data.dataset import Dataset, open_dataset
from dgnam.data.picture import DataError
from dgnam.data.preprocessing import preprocess
from dgnam.errors import DgnamError
from dgnam.train import data_layer as module
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


def test_missing_data_layer_or_top_is_an_error():
    with pytest.raises(
        DgnamError,
        match=r"one ImageData or Data layer, or Python layer .*ClipData or .*AugmentedData, in phase TRAIN, not 0",
    ):
        split_data_layer(parse_net('name: "empty"', "test"), pb.TRAIN)
    with pytest.raises(
        DgnamError, match=r"must have 2 tops here, the pictures and the labels, not 1; `dgnam caffe train`"
    ):
        split_data_layer(parse_net(TRAIN_VAL.replace('top: "label"', "", 1), "test"), pb.TRAIN)


WHOLE = """
layer { name: "data" type: "ImageData" top: "data" top: "label"
  image_data_param { source: "list.txt" batch_size: 2 SIZE } transform_param { mirror: true scale: 0.5 } }
"""


@pytest.fixture
def oblong(tmp_path, monkeypatch):
    """Two oblong pictures, listed in the working directory."""
    monkeypatch.chdir(tmp_path)
    for k in range(2):
        Image.fromarray(np.random.default_rng(k).integers(0, 256, (6, 9, 3), np.uint8)).save(f"{k}.png")
    (tmp_path / "list.txt").write_text("0.png 0\n1.png 1\n")
    return tmp_path


@pytest.mark.parametrize(("size", "window"), [("", (6, 9)), ("new_height: 5 new_width: 4", (5, 4))])
def test_pictures_are_taken_whole_without_crop_size(oblong, size, window):
    layer, net = split_data_layer(parse_net(WHOLE.replace("SIZE", size), "test"), pb.TRAIN)
    assert list(net.layer[0].input_param.shape[0].dim) == [2, 3, *window]
    loaded = layer.load()
    pictures = loaded.take(slice(None))[0]
    assert np.array_equal(layer.centers(pictures), preprocess(pictures, (0, 0, 0)) / 2)
    images, labels = ImageLoader(loaded, layer, seed=0).prepared(0)
    assert images.shape == (2, 3, *window)
    whole = preprocess(pictures, (0, 0, 0))[labels] / 2
    assert all(np.array_equal(a, b) or np.array_equal(a[..., ::-1], b) for a, b in zip(images, whole, strict=True))


def test_whole_pictures_of_different_sizes_are_an_error(oblong):
    Image.new("RGB", (9, 7)).save("1.png")
    layer, _ = split_data_layer(parse_net(WHOLE.replace("SIZE", ""), "test"), pb.TRAIN)
    with pytest.raises(DataError, match="picture 1 is 7x9, and the first one 6x9"):
        layer.load()


def test_files_are_looked_up_as_by_caffe_and_then_beside(oblong, monkeypatch):
    """From the working directory, in the data folder, and beside the definition, in this order."""
    text = """layer { name: "data" type: "ImageData" top: "data" top: "label"
      image_data_param { source: "sub/list.txt" batch_size: 2 ROOT }
      transform_param { crop_size: 4 mean_file: "m" } }"""
    made = {}
    for name in ("near", "data", "here"):
        (oblong / name / "sub").mkdir(parents=True)
        (oblong / name / "images").mkdir()
        (oblong / name / "sub/list.txt").write_text("x.png 0\n")
        (oblong / name / "m").write_bytes(b"")
        made[name] = oblong / name
    away = oblong / "away"
    away.mkdir()

    def found(folder, root=""):
        net = parse_net(text.replace("ROOT", root), "test")
        layer, _ = split_data_layer(net, pb.TRAIN, folder, made["near"])
        return layer

    monkeypatch.chdir(away)
    beside = found(None, 'root_folder: "images/"')
    assert (beside.source, beside.mean_file, beside.root) == (
        *(f"{made['near']}/sub/list.txt", f"{made['near']}/m", f"{made['near']}/images/"),
    )
    in_data = found(made["data"], 'root_folder: "images/"')
    assert (in_data.source, in_data.mean_file, in_data.root) == (
        *("sub/list.txt", f"{made['data']}/m", f"{made['data']}/images/"),
    )
    monkeypatch.chdir(made["here"])
    here = found(made["data"], 'root_folder: "images/"')
    assert (here.source, here.mean_file, here.root) == ("sub/list.txt", "m", "images/")


def test_listed_paths_count_from_the_working_directory_or_the_listing(oblong):
    """As in Caffe; or else, as in the datasets of this package."""
    (oblong / "sub").mkdir()
    (oblong / "sub/list.txt").write_text("0.png 0\n1.png 1\n")
    text = WHOLE.replace("SIZE", "").replace('"list.txt"', '"sub/list.txt"')
    for moved in ("1.png", None):
        layer, _ = split_data_layer(parse_net(text, "test"), pb.TRAIN)
        assert layer.whole == (6, 9)
        assert len(layer.load()) == 2
        if moved is not None:
            (oblong / moved).rename(oblong / "sub" / moved)
    (oblong / "0.png").unlink()
    with pytest.raises(DgnamError, match=r"list.txt, line 1: there is no 0.png; is it under another root\?"):
        split_data_layer(parse_net(text, "test"), pb.TRAIN)


def test_the_root_is_put_before_paths_as_it_is(oblong):
    (oblong / "list.txt").write_text("ng 1\n")
    text = WHOLE.replace("SIZE", 'root_folder: "0.p"')
    assert split_data_layer(parse_net(text, "test"), pb.TRAIN)[0].whole == (6, 9)


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


def test_pictures_that_changed_since_are_an_error(data_folder, tmp_path):
    with pytest.raises(DataError, match=r"toy-train: its pictures are \(16, 16\), and were \(9, 16\) before"):
        replace(LAYER, crop_size=0, whole=(9, 16)).load(data_folder)
    assert replace(LAYER, crop_size=0, whole=(16, 16)).load(data_folder).size == (16, 16)


def test_a_database_of_another_number_of_channels_is_an_error(data_folder, monkeypatch):
    monkeypatch.setattr(Dataset, "stored_channels", 1)
    with pytest.raises(DataError, match="toy-train: has 1 channels; needed are 3"):
        LAYER.load(data_folder)


def test_what_is_kept_in_memory_ends_with_the_limit(monkeypatch):
    images = Dataset.of_arrays("few", np.zeros((2, 3, 5, 3), np.uint8), np.zeros(2))
    assert module.IN_MEMORY == 4 << 30
    asked = []
    monkeypatch.setattr(Dataset, "in_memory", lambda self: asked.append(self) or self)
    for limit, kept in ((90, 1), (89, 0)):
        monkeypatch.setattr(module, "IN_MEMORY", limit)
        asked.clear()
        assert module.small_in_memory(images) is images
        assert len(asked) == kept


def test_values_are_scaled_after_the_mean():
    image = np.full((1, 2, 2, 3), (10, 20, 30), np.uint8)
    layer = DataLayer("x", 1, 0, False, (1.0, 2.0, 3.0), scale=0.5, whole=(2, 2))
    assert layer.prepared(image)[0, :, 0, 0].tolist() == [14.5, 9, 3.5]
    means = np.full((1, 2, 2, 3), (4, 5, 6), np.float32)
    assert layer.prepared(image, means)[0, :, 0, 0].tolist() == [12, 7.5, 3]
    assert (layer.window, layer.channels, layer.frames, layer.shapes) == ((2, 2), 3, 1, ((1, 3, 2, 2), (1,)))
    assert replace(layer, gray=True).prepared(image).shape == (1, 1, 2, 2)


def test_what_a_layer_is_unless_it_is_said():
    assert (LAYER.scale, LAYER.root, LAYER.resize, LAYER.mean_file, LAYER.clips) == (1, None, None, None, None)
    assert (LAYER.gray, LAYER.augmentation, LAYER.whole, LAYER.window) == (False, None, (0, 0), (12, 12))
