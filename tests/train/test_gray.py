"""Gray pictures: the trainers feed the one channel that Caffe's own data layers make."""

import re
from contextlib import nullcontext

import numpy as np
import pytest
from PIL import Image

from dgnam.caffe import TEST, Net
from dgnam.caffe.io import array_to_blobproto
from dgnam.caffe.proto import parse_net, pb
from dgnam.caffe.tools.convert_imageset import convert_imageset
from dgnam.data.picture import DataError
from dgnam.errors import DgnamError
from dgnam.train.classifier import train_classifier
from dgnam.train.data_layer import split_data_layer
from dgnam.train.image_loader import ImageLoader
from tests.caffe.made_databases import datum, make_database
from tests.toy import TRAIN_VAL

IMAGES = """layer { name: "data" type: "ImageData" top: "data" top: "label"
  transform_param { crop_size: 12 scale: 0.5 %s }
  image_data_param { source: "%s" root_folder: "%s/" batch_size: 4 is_color: false %s } data_param { prefetch: 0 } }"""
DATABASE = """layer { name: "data" type: "Data" top: "data" top: "label"
  transform_param { crop_size: 12 %s mean_value: 50 }
  data_param { source: "%s" batch_size: 4 backend: LMDB prefetch: 0 } }"""


@pytest.fixture
def listing(tmp_path):
    """Four pictures in colour of 20x16, of three kinds, whose gray each reader makes in its own way."""
    draw = np.random.default_rng(0)
    names = ["a.jpg", "b.png", "c.bmp", "d.jpg"]
    for name in names:
        Image.fromarray(draw.integers(0, 256, (20, 16, 3), np.uint8)).save(tmp_path / name)
    (tmp_path / "list.txt").write_text("".join(f"{name} {k}\n" for k, name in enumerate(names)))
    return tmp_path / "list.txt"


def fed(text, channels=1):
    """The batch of a layer's pictures as the trainers make it, and their loader."""
    spec, net = split_data_layer(parse_net(text, "test"), pb.TEST)
    images = spec.load()
    assert list(net.layer[0].input_param.shape[0].dim) == [4, channels, 12, 12]
    return spec.centers(images.take(slice(None))[0]), ImageLoader(images, spec, 0)


def by_caffe(text, folder):
    (folder / "net.prototxt").write_text(text)
    net = Net(str(folder / "net.prototxt"), TEST)
    net.forward()
    return net.blobs["data"].data


@pytest.mark.parametrize("size", ["", "new_height: 17 new_width: 15"])
def test_gray_pictures_are_those_of_caffes_layer(listing, size):
    text = IMAGES % ("mean_value: 50", listing, listing.parent, size)
    found, batches = fed(text)
    assert np.array_equal(found, by_caffe(text, listing.parent))
    assert batches.prepared(0)[0].shape == (4, 1, 12, 12)


def test_a_mean_image_of_gray_is_taken_off(listing):
    mean = np.random.default_rng(1).integers(0, 256, (1, 1, 20, 16)).astype(np.float32)
    path = listing.parent / "mean.binaryproto"
    path.write_bytes(array_to_blobproto(mean).SerializeToString())
    text = IMAGES % (f'mean_file: "{path}"', listing, listing.parent, "")
    found, batches = fed(text)
    assert np.array_equal(found, by_caffe(text, listing.parent))
    assert batches.prepared(0)[0].shape == (4, 1, 12, 12)
    colors = listing.parent / "colors.binaryproto"
    colors.write_bytes(array_to_blobproto(np.repeat(mean, 3, 1)).SerializeToString())
    spec, _ = split_data_layer(parse_net(text.replace(str(path), str(colors)), "test"), pb.TEST)
    message = r"shape \(1, 1, height, width\) or \(1, height, width\), and this one \(1, 3, 20, 16\)"
    with pytest.raises(DgnamError, match=message):
        spec.mean_image((20, 16))


@pytest.mark.parametrize("encoded", [True, False])
def test_databases_give_gray_pictures_too(listing, encoded):
    """Of encoded ones `force_gray` makes gray; what isn't encoded must be gray as it is, and both warn then."""
    path = listing.parent / "lmdb"
    convert_imageset(f"{listing.parent}/", listing, path, encoded=encoded, gray=not encoded)
    text = DATABASE % ("force_gray: true", path)
    with nullcontext() if encoded else pytest.warns(match="force_gray are for encoded data"):
        found, _ = fed(text)
        assert np.array_equal(found, by_caffe(text, listing.parent))
    plain = by_caffe(text.replace("force_gray: true", ""), listing.parent)
    assert encoded or np.array_equal(found, plain)


def test_gray_databases_need_no_option(listing):
    """As MNIST is, made by Caffe's own script."""
    path = listing.parent / "lmdb"
    convert_imageset(f"{listing.parent}/", listing, path, gray=True)
    text = DATABASE % ("", path)
    assert np.array_equal(fed(text)[0], by_caffe(text, listing.parent))
    text = DATABASE % ("force_color: true", path)
    with pytest.warns(match="force_gray are for encoded data"):
        assert np.array_equal(fed(text)[0], by_caffe(text, listing.parent))


def test_colors_as_numbers_stay_colors(listing):
    """As in Caffe, whose option is for encoded pictures."""
    path = listing.parent / "lmdb"
    convert_imageset(f"{listing.parent}/", listing, path)
    text = DATABASE % ("force_gray: true", path)
    with pytest.warns(match="force_gray are for encoded data"):
        assert np.array_equal(fed(text, channels=3)[0], by_caffe(text, listing.parent))


@pytest.mark.parametrize(("option", "channels"), [("", 1), ("force_gray: true", 1), ("force_color: true", 3)])
def test_encoded_gray_pictures_need_no_option(listing, option, channels):
    for name in ("a.jpg", "b.png", "c.bmp", "d.jpg"):
        Image.open(listing.parent / name).convert("L").save(listing.parent / name)
    path = listing.parent / "lmdb"
    convert_imageset(f"{listing.parent}/", listing, path, encoded=True, gray=True)
    text = DATABASE % (option, path)
    assert np.array_equal(fed(text, channels)[0], by_caffe(text, listing.parent))


def test_encoded_colors_need_no_option(listing):
    path = listing.parent / "lmdb"
    convert_imageset(f"{listing.parent}/", listing, path, encoded=True)
    text = DATABASE % ("", path)
    assert np.array_equal(fed(text, 3)[0], by_caffe(text, listing.parent))


@pytest.mark.parametrize("encoded", [True, False])
def test_other_channels_are_refused_with_what_takes_them(listing, encoded):
    path = listing.parent / "lmdb"
    Image.fromarray(np.zeros((20, 16, 4), np.uint8)).save(listing.parent / "alpha.png")
    pictures = pb.Datum(data=(listing.parent / "alpha.png").read_bytes(), encoded=True)
    make_database(path, [pictures if encoded else datum(np.zeros((2, 20, 16), np.uint8))])
    message = rf"lmdb: its pictures have {4 if encoded else 2} channels, and 1 or 3 are taken here; .*dgnam caffe train"
    with pytest.raises(DgnamError, match=message):
        split_data_layer(parse_net(DATABASE % ("", path), "test"), pb.TEST)


def test_a_picture_that_cannot_be_read_is_named(listing):
    (listing.parent / "c.bmp").write_bytes(b"nothing")
    spec, _ = split_data_layer(parse_net(IMAGES % ("", listing, listing.parent, ""), "test"), pb.TEST)
    with pytest.raises(DataError, match=r"c\.bmp"):
        spec.load()


def test_a_net_of_gray_pictures_learns(nets, tmp_path, data_folder):
    gray = re.sub(r"mean_value: 104 mean_value: 117 mean_value: 123", "mean_value: 112", TRAIN_VAL)
    (nets / "train_val.prototxt").write_text(gray.replace("source:", "is_color: false source:"))
    solver = nets / "classifier_solver.prototxt"
    solver.write_text(solver.read_text().replace("max_iter: 40", "max_iter: 10"))
    net = train_classifier(solver, tmp_path / "run", data_folder=data_folder, progress=False)
    assert net.weights()["conv1"][0].shape == (8, 1, 3, 3)
