"""A Caffe net as a target."""

import numpy as np
import pytest
import torch

from dgnam.am import CaffeTarget
from dgnam.caffe.errors import CaffeError


@pytest.fixture
def target(tiny_modules):
    return CaffeTarget(tiny_modules[0])


def test_input_size_is_the_data_blobs(target):
    assert target.size == (28, 28)


@pytest.mark.parametrize(("layer", "shape"), [("fc8", (10,)), ("conv5", (8, 6, 6)), ("prob", (10,))])
def test_layer_shape_is_that_of_one_images_values(target, layer, shape):
    assert target.layer_shape(layer) == shape
    assert target(torch.zeros(2, 3, 28, 28), layer).shape == (2, *shape)


@pytest.mark.parametrize("layer", ["conv5", "fc6"])
def test_unit_value_is_that_before_the_in_place_relu(target, layer):
    images = 50 * torch.randn(4, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    values = target(images, layer)
    assert (values < 0).any()
    after = target.module(images, keep=[layer])[layer]
    assert torch.equal(values.relu(), after)


def test_unknown_layer_is_an_error_that_lists_the_closest(target):
    with pytest.raises(CaffeError, match=r"no layer 'fc9'.*fc8"):
        target.layer_shape("fc9")


def test_target_is_frozen_and_in_eval_mode(target):
    assert not target.module.training
    assert not any(p.requires_grad for p in target.module.parameters())
    images = np.ones((1, 3, 28, 28), np.float32)
    assert torch.equal(target(torch.from_numpy(images), "fc8"), target(torch.from_numpy(images), "fc8"))
