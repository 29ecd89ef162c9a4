"""Caffe nets as targets."""

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


def test_target_is_frozen_and_in_eval_mode(target):
    assert not target.module.training
    assert not any(p.requires_grad for p in target.module.parameters())
    images = torch.ones(1, 3, 28, 28)
    assert torch.equal(target(images, ["fc8"])["fc8"], target(images, ["fc8"])["fc8"])


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


def test_net_of_one_channel_raises():
    gray = "layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 1 dim: 8 dim: 8 } } }"
    with pytest.raises(DgnamError, match="needs three channels"):
        CaffeTarget(CaffeModule(parse_net(f"name: 'gray' {gray}")))


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
