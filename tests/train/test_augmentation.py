"""Varied training pictures: windows, light, color, noise, and the layer that asks for them."""

import numpy as np
import pytest
import torch

from dgnam.caffe import Net
from dgnam.caffe.proto import parse_net, pb
from dgnam.data.dataset import Dataset
from dgnam.errors import DgnamError
from dgnam.train.augmentation import Augmentation
from dgnam.train.data_layer import split_data_layer
from dgnam.train.image_loader import ImageLoader

NET = """
name: "varied"
layer {{ name: "data" type: "Python" top: "data" top: "label"
  python_param {{ module: "dgnam.train.augmented_data" layer: "AugmentedData" param_str: '{text}' }} }}
"""
TEXT = '{"source": "toy-train", "batch_size": 4, "crop_size": 12, "area": 0.5, "stretch": 1.3, "light": 0.2}'


def draw() -> np.random.Generator:
    return np.random.default_rng(0)


def ramp(count: int = 3) -> np.ndarray:
    """Pictures that grow brighter to the right."""
    row = np.linspace(0, 255, 16).astype(np.uint8)
    return np.broadcast_to(row[:, None], (count, 16, 16, 3)).copy()


def test_without_variation_pictures_keep_their_values():
    pictures = ramp()
    assert np.array_equal(Augmentation()(pictures, 16, np.zeros(3, bool), draw()), pictures)


def test_mirrored_pictures_run_the_other_way():
    mirrored = Augmentation()(ramp(), 16, np.array([False, True, True]), draw())
    assert mirrored[0, 0, 0, 0] < mirrored[0, 0, -1, 0]
    assert np.array_equal(mirrored[1], ramp()[0][:, ::-1])


def test_windows_are_smaller_and_lie_inside():
    varied = Augmentation(area=0.25, stretch=1.5)(ramp(50), 12, np.zeros(50, bool), draw())
    spans = varied[:, 0, -1, 0].astype(int) - varied[:, 0, 0, 0]
    assert varied.shape == (50, 12, 12, 3)
    assert spans.min() < 170
    assert spans.max() > 200
    assert (spans > 0).all()


def test_light_color_and_noise_change_pictures_differently():
    gray = np.full((40, 8, 8, 3), 120, np.uint8)
    still = np.zeros(40, bool)
    assert Augmentation(light=0.3)(gray, 8, still, draw()).std(0).min() > 5
    brighter = np.abs(Augmentation(light=0.3)(gray, 8, still, draw()).astype(int) - 120).max()
    assert 0.9 * 0.15 * 255 < brighter <= 0.15 * 255 + 0.5
    assert np.array_equal(Augmentation(color=0.5)(gray, 8, still, draw()), gray)  # gray has no color to change
    noisy = Augmentation(noise=20)(gray, 8, still, draw()).reshape(40, -1).std(1)
    assert 10 <= (noisy == 0).sum() <= 30
    assert noisy.max() < 22


@pytest.mark.parametrize("options", [{"area": 0}, {"area": 1.5}, {"stretch": 0.5}, {"light": -1}, {"noise": 300}])
def test_impossible_options_are_errors(options):
    with pytest.raises(DgnamError, match="give"):
        Augmentation(**options)


def test_batches_of_the_layer_are_varied_the_same_way_again():
    layer, net = split_data_layer(parse_net(NET.format(text=TEXT), "test"), pb.TRAIN)
    assert layer.augmentation == Augmentation(area=0.5, stretch=1.3, light=0.2)
    assert net.layer[0].type == "Input"
    images = Dataset.of_arrays("toy", ramp(8), np.arange(8))
    first, labels = ImageLoader(images, layer, 1).batch(3)
    again, _ = ImageLoader(images, layer, 1).batch(3)
    assert first.shape == (4, 12, 12, 3)
    assert len(set(labels.tolist())) == 4
    assert np.array_equal(first, again)
    assert not np.array_equal(first, ImageLoader(images, layer, 1).batch(5)[0])
    assert np.array_equal(ImageLoader(images, layer, 1).in_order(0)[0], layer.prepared(ramp(4)[:, 2:14, 2:14]))


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_the_layer_gives_the_batches_that_the_trainers_make(phase, data_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("DGNAM_ALLOW_PYTHON_LAYERS", "1")
    monkeypatch.setenv("DGNAM_DATA", str(data_folder))
    path = tmp_path / "net.prototxt"
    path.write_text(NET.format(text=TEXT))
    net = Net(str(path), getattr(pb, phase))
    layer, _ = split_data_layer(parse_net(path.read_text(), "test"), getattr(pb, phase))
    loader = ImageLoader(layer.load(data_folder), layer, 0)
    for number in range(2):
        net.forward()
        wanted = loader.prepared(number) if phase == "TRAIN" else loader.in_order(number)
        np.testing.assert_array_equal(net.blobs["data"].data, wanted[0])
        np.testing.assert_array_equal(net.blobs["label"].data, wanted[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rubbish", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[1]", "no options by name"),
        ('{"source": "a", "batch_size": 4, "crop_size": 12, "aera": 1}', "no option 'aera'.*area"),
        ('{"source": "a"}', "lacks batch_size, crop_size"),
        (TEXT.replace('"toy-train"', "3"), "source is 3; give a text"),
        (TEXT.replace("4,", "0,"), "batch_size is 0; give a whole number of 1 to 65536"),
        (TEXT.replace("4,", "true,"), "batch_size is True; give a whole number"),
        (TEXT.replace("0.5", '"big"'), "area is big; give a number"),
        (TEXT.replace("0.5", "2"), "area 2"),
        (TEXT.replace("0.5", "NaN"), "area nan"),
        (TEXT.replace("}", ', "mirror": 1}'), "mirror is 1; give true or false"),
        (TEXT.replace("}", ', "mean": [1]}'), r"mean is \[1\]; give three numbers of 0 to 255"),
    ],
)
def test_a_wrong_param_str_names_the_layer(text, message):
    with pytest.raises(DgnamError, match=message) as raised:
        split_data_layer(parse_net(NET.format(text=text), "test"), pb.TRAIN)
    assert "layer 'data'" in str(raised.value)


@pytest.mark.parametrize(
    ("fine", "wrong"),
    [
        *(({"area": 1}, {"area": 1.01}), ({"area": 0.01}, {"area": 0}), ({"stretch": 1}, {"stretch": 0.99})),
        *(({"stretch": 4}, {"stretch": 4.01}), ({"light": 1}, {"light": 1.01}), ({"light": 0}, {"light": -0.01})),
        *(({"color": 1}, {"color": 1.01}), ({"color": 0}, {"color": -0.01}), ({"noise": 255}, {"noise": 255.1})),
    ],
)
def test_options_end_where_the_message_says(fine, wrong):
    Augmentation(**fine)
    with pytest.raises(DgnamError, match="give"):
        Augmentation(**wrong)


def corners(grid: np.ndarray) -> tuple[np.ndarray, ...]:
    """Half the width and the height of windows, and their centers, from -1 to 1, by where their pixels are read."""
    side = grid.shape[1]
    half = (grid[:, -1, -1] - grid[:, 0, 0]) / 2 * side / (side - 1)
    middle = (grid[:, -1, -1] + grid[:, 0, 0]) / 2
    return half[:, 0], half[:, 1], middle[:, 0], middle[:, 1]


def test_windows_have_the_areas_and_ratios_of_the_options():
    count = 2000
    own = Augmentation(area=0.25, stretch=1.5)
    mirror = np.arange(count) % 2 == 1
    grid = own._windows(torch.zeros(count, 3, 16, 16), 8, mirror, draw()).numpy()
    wide, high, left, top = corners(grid)
    assert ((wide < 0) == mirror).all()
    wide = abs(wide)
    area, ratio = wide * high, high / wide
    assert 0.25 - 1e-3 <= area.min() < 0.27
    assert 0.97 < area.max() <= 1 + 1e-3
    assert 1 / 1.5 - 1e-3 <= ratio.min() < 0.69
    assert 1.45 < ratio.max() <= 1.5 + 1e-3
    for half, center in ((wide, left), (high, top)):
        assert (half + abs(center)).max() <= 1 + 1e-3
        assert (half + center).max() > 0.99
        assert (half - center).max() > 0.99


def drawn(augmentation: Augmentation, *ranges: tuple[float, float]) -> list[np.ndarray]:
    """What is drawn for five pictures after their windows."""
    ours = draw()
    augmentation._windows(torch.zeros(5, 3, 4, 4), 4, np.zeros(5, bool), ours)
    return [ours.uniform(low, high, 5) for low, high in ranges]


def test_light_by_hand():
    """A brightness of up to the share of 255 to both sides, half of it each way, and contrast around the mean."""
    own = Augmentation(light=0.2)
    pictures = np.full((5, 4, 4, 3), 100, np.uint8)
    pictures[:, 2:] = 140
    found = own(pictures, 4, np.zeros(5, bool), draw())
    level, contrast = drawn(own, (-0.2, 0.2), (0.8, 1.2))
    for row, shift, spread in zip(found, level, contrast, strict=True):
        dark, bright = (120 + side * 20 * spread + 255 * shift / 2 for side in (-1, 1))
        assert abs(row[0].astype(float) - dark).max() < 0.51
        assert abs(row[3].astype(float) - bright).max() < 0.51


def test_color_by_hand():
    own = Augmentation(color=0.5)
    pictures = np.full((5, 4, 4, 3), (200, 100, 50), np.uint8)
    found = own(pictures, 4, np.zeros(5, bool), draw())
    gray = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
    (share,) = drawn(own, (0.5, 1.5))
    for row, factor in zip(found, share, strict=True):
        wanted = gray + (np.array([200, 100, 50]) - gray) * factor
        assert abs(row[0, 0] - wanted).max() < 0.51


def test_values_stay_whole_numbers_of_a_byte():
    for level in (0, 255):
        x = torch.full((20, 3, 8, 8), float(level))
        varied = Augmentation(noise=60).varied(x, 8, np.zeros(20, bool), draw())
        assert varied.min() >= 0
        assert varied.max() <= 255
        assert torch.equal(varied, varied.round())
        assert (varied != level).any()
