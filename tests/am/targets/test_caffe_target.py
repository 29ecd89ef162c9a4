"""Caffe nets as targets."""

import copy

import numpy as np
import pytest
import torch

from dgnam import zoo
from dgnam.am import CaffeTarget
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net
from dgnam.data.preprocessing import MEAN_BGR
from dgnam.errors import DgnamError


@pytest.fixture
def target(tiny_modules):
    return CaffeTarget(tiny_modules[0])


def test_input_size_is_the_data_blobs(target):
    assert target.size == (28, 28)


@pytest.mark.parametrize(("layer", "shape"), [("fc8", (10,)), ("conv5", (8, 6, 6)), ("prob", (10,))])
def test_layer_shape_is_that_of_one_images_values(target, layer, shape):
    assert target.layer_shape(layer) == shape
    assert target(torch.zeros(2, 3, 28, 28), [layer])[layer].shape == (2, *shape)


@pytest.mark.parametrize("layer", ["conv5", "fc6"])
def test_values_precede_an_in_place_relu(target, layer):
    images = 50 * torch.randn(4, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    values = target(images, [layer])[layer]
    assert (values < 0).any()
    after = target.module(images, keep=[layer])[layer]
    assert torch.equal(values.relu(), after)


def test_unknown_layer_lists_the_closest(target):
    with pytest.raises(DgnamError, match=r"no layer 'fc9'.*fc8"):
        target.layer_shape("fc9")


def test_net_is_in_eval_mode_and_left_as_it_was_found(tiny_modules):
    module = copy.deepcopy(tiny_modules[0]).train()
    target = CaffeTarget(module)
    target.to(torch.device("cpu"))
    images = torch.ones(1, 3, 28, 28, requires_grad=True)
    found = target(images, ["fc8"])["fc8"]
    assert torch.equal(found, target(images, ["fc8"])["fc8"])  # without dropout
    found.sum().backward()
    assert module.training
    assert all(p.requires_grad and p.grad is None for p in module.parameters())


def test_several_layers_are_read_in_one_pass(target):
    images = 50 * torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    both = target(images, ["fc8", "conv5"])
    assert list(both) == ["conv5", "fc8"]
    for layer, values in both.items():
        assert torch.equal(values, target(images, [layer])[layer])


def test_another_mean_is_applied(tiny_modules):
    images = torch.randn(1, 3, 28, 28)
    other = CaffeTarget(tiny_modules[0], mean=(100, 110, 120))
    shifted = images + torch.tensor([4.0, 7, 3]).view(3, 1, 1)
    assert torch.allclose(other(images, ["fc8"])["fc8"], CaffeTarget(tiny_modules[0])(shifted, ["fc8"])["fc8"])


def test_mean_image_scale_and_rgb_are_applied(tiny_modules):
    module = tiny_modules[0]
    pictures = torch.randint(0, 256, (2, 3, 28, 28)).float()  # BGR
    images = pictures - torch.tensor(MEAN_BGR).view(3, 1, 1)
    mean = np.random.default_rng(0).uniform(90, 130, (3, 32, 32)).astype(np.float32)
    own = (pictures.flip(1) - torch.from_numpy(mean[:, 2:30, 2:30])) * 0.0078125
    seen = CaffeTarget(module, mean=mean, scale=0.0078125, channels="RGB")(images, ["fc8"])["fc8"]
    assert torch.allclose(seen, CaffeTarget(module)(own, ["fc8"])["fc8"], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": (1, 2)}, "mean has shape"),
        ({"mean": np.zeros((3, 20, 20))}, "at least"),
        ({"channels": "GRB"}, "give RGB or BGR"),
    ],
)
def test_unsuitable_preprocessing_raises(tiny_modules, options, message):
    with pytest.raises(DgnamError, match=message):
        CaffeTarget(tiny_modules[0], **options)


def net_of(channels, size=8):
    shape = f"shape {{ dim: 1 dim: {channels} dim: {size} dim: {size} }}"
    flat = "layer { name: 'flat' type: 'Flatten' bottom: 'data' top: 'flat' }"
    return CaffeModule(
        parse_net(f"layer {{ name: 'data' type: 'Input' top: 'data' input_param {{ {shape} }} }} {flat}")
    )


@pytest.mark.parametrize("channels", [2, 4])
def test_net_of_other_channels_raises(channels):
    with pytest.raises(DgnamError, match=r"needs three channels, or one of gray"):
        CaffeTarget(net_of(channels))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, lambda gray: gray),
        ({"mean": [33.0], "scale": 0.5}, lambda gray: (gray - 33) * 0.5),
        ({"mean": [104, 117, 123]}, lambda gray: gray - (0.299 * 123 + 0.587 * 117 + 0.114 * 104)),
        ({"mean": [123, 117, 104], "channels": "RGB"}, lambda gray: gray - (0.299 * 123 + 0.587 * 117 + 0.114 * 104)),
        ({"mean": np.arange(100.0).reshape(1, 10, 10)}, lambda gray: gray - np.arange(100).reshape(10, 10)[1:9, 1:9]),
    ],
)
def test_net_of_one_channel_sees_the_gray_of_the_picture(options, expected):
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 3, 8, 8)).astype(np.float32)  # BGR
    target = CaffeTarget(net_of(1), **options)
    found = target(torch.from_numpy(pictures - np.reshape(MEAN_BGR, (3, 1, 1))).float(), ["data"])["data"]
    gray = 0.114 * pictures[:, 0] + 0.587 * pictures[:, 1] + 0.299 * pictures[:, 2]
    assert target.gray
    np.testing.assert_allclose(found[:, 0].numpy(), expected(gray), atol=1e-3)


@pytest.mark.parametrize("mean", [[1, 2], np.zeros((2, 8, 8)), np.zeros((1, 7, 8))])
def test_unsuitable_mean_of_a_gray_net_raises(mean):
    with pytest.raises(DgnamError, match="the mean has shape"):
        CaffeTarget(net_of(1), mean=mean)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": float("nan")}, "scale nan"),
        ({"scale": 0}, "scale 0"),
        ({"mean": (1, float("inf"), 1)}, "the mean has values that are not finite"),
    ],
)
def test_zero_or_infinite_preprocessing_raises(tiny_modules, options, message):
    with pytest.raises(DgnamError, match=message):
        CaffeTarget(tiny_modules[0], **options)


def test_net_without_an_input_raises():
    with pytest.raises(DgnamError, match="has no input"):
        CaffeTarget(CaffeModule(parse_net('name: "empty"')))


def test_net_of_clips_raises():
    with pytest.raises(DgnamError, match=r"'action-lstm-motion-mini' sees clips \(layer 'frames' splits its batch\)"):
        CaffeTarget(zoo.load("action-lstm-motion-mini"))


def test_the_usual_mean_is_in_the_order_of_the_channels(tiny_modules):
    assert CaffeTarget(tiny_modules[0], channels="RGB").shift is None
    assert CaffeTarget(tiny_modules[0], channels="RGB", mean=(104, 117, 123)).shift is not None


TWO_INPUTS = """
name: "two"
layer { name: "data" type: "Input" top: "data" top: "other" top: "third"
  input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } shape { dim: 1 dim: 3 dim: 4 dim: 4 } shape { dim: 1 dim: 2 } } }
layer { name: "own" type: "Power" bottom: "data" top: "own" }
layer { name: "sum" type: "Eltwise" bottom: "data" bottom: "other" top: "sum" }
"""


def test_a_layer_that_needs_a_second_input_says_which():
    target = CaffeTarget(CaffeModule(parse_net(TWO_INPUTS)))
    assert target.layer_shape("own") == (3, 4, 4)
    with pytest.raises(DgnamError, match="layer 'sum' of net 'two' needs a second input, 'other', and a target is"):
        target.layer_shape("sum")


def test_other_errors_of_a_trial_stay(target, monkeypatch):
    def fail(*given):
        raise DgnamError("something else")

    own = CaffeTarget(target.module)
    monkeypatch.setattr(own, "preprocess", fail)
    with pytest.raises(DgnamError, match=r"^something else$"):
        own.layer_shape("fc8")
