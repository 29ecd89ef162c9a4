"""Batch normalisation's statistics for a net that has seen no pictures."""

import numpy as np
import pytest
import torch

from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, pb
from dgnam.train.batch_norm.fold import fold
from dgnam.train.batch_norm.statistics import find_statistics, lacks_statistics
from dgnam.train.data_layer import split_data_layer
from tests.toy import TRAIN_VAL

IMAGES = 60 + 50 * torch.randn(40, 3, 12, 12, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def net() -> CaffeModule:
    return CaffeModule(split_data_layer(parse_net(TRAIN_VAL, "test"), pb.TRAIN)[1], phase=pb.TRAIN, seed=1)


def test_a_net_at_its_start_gets_those_of_the_pictures(net):
    assert lacks_statistics(net)
    find_statistics(net, IMAGES)
    assert not lacks_statistics(net)
    assert net.training
    values = net.eval().values_at(["conv1/bn"], IMAGES)["conv1/bn"]
    assert values.mean((0, 2, 3)).abs().max() < 1e-3
    assert torch.allclose(values.var((0, 2, 3)), torch.ones(8), atol=1e-2)
    weight, bias = fold(net)["conv1"]
    assert np.isfinite(weight).all()
    assert np.abs(bias).max() < 10


def test_those_that_are_there_stay(net):
    given = [np.arange(8, dtype=np.float32), np.ones(8, np.float32), np.full(1, 2, np.float32)]
    net.copy_from({"conv1/bn": given})
    find_statistics(net, IMAGES)
    for ours, theirs in zip(net.weights()["conv1/bn"], given, strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("bottom", ["b", "data"])
def test_a_norm_may_take_any_top_of_the_layer_before(bottom):
    """The second one of a Slice, and a blob that another layer takes too, where a Split stands between."""
    text = """layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 40 dim: 3 dim: 12 dim: 12 } } }
      layer { name: "slice" type: "Slice" bottom: "data" top: "a" top: "b" slice_param { slice_point: 1 } }
      layer { name: "norm" type: "BatchNorm" bottom: "%s" top: "norm" }"""
    net = CaffeModule(parse_net(text % bottom, "test"), phase=pb.TRAIN)
    images = IMAGES * torch.tensor([1.0, 2, 3])[:, None, None]
    find_statistics(net, images)
    seen = images[:, 1:] if bottom == "b" else images
    mean, variance, count = net.weights()["norm"]
    assert mean == pytest.approx(seen.mean((0, 2, 3)).numpy(), rel=1e-4)
    assert variance == pytest.approx(seen.var((0, 2, 3), unbiased=False).numpy(), rel=1e-4)
    assert count == 1
