"""A folded net becomes one with batch normalisation again, and computes the same."""

import numpy as np
import pytest
import torch

from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, pb
from dgnam.train.batch_norm.fold import fold
from dgnam.train.batch_norm.restore import is_folded, restore_batch_norm
from dgnam.train.data_layer import split_data_layer
from tests.toy import TRAIN_VAL

DEFINITION = split_data_layer(parse_net(TRAIN_VAL, "test"), pb.TRAIN)[1]
IMAGES = torch.randn(64, 3, 12, 12, generator=torch.Generator().manual_seed(0)) * 50


@pytest.fixture
def trained() -> CaffeModule:
    net = CaffeModule(DEFINITION, phase=pb.TRAIN, seed=3)
    with torch.no_grad():
        for k, param in enumerate(net.parameters()):
            if param.dim() == 1:
                param.uniform_(0.2, 3, generator=torch.Generator().manual_seed(k))
    net(IMAGES[:16], torch.zeros(16))
    return net.eval()


def scores(net: CaffeModule, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return net(images, end="fc")["fc"]


def test_what_was_folded_is_unfolded(trained):
    weights = fold(trained)
    other = CaffeModule(DEFINITION, phase=pb.TRAIN, seed=8)
    assert is_folded(other, weights)
    assert not is_folded(other, trained.weights())
    restore_batch_norm(other, weights, IMAGES)
    assert other.training
    wanted, found = scores(trained, IMAGES), scores(other.eval(), IMAGES)
    assert (wanted - found).abs().max() < 1e-4 * wanted.abs().max()
    # Also for pictures that the statistics weren't taken from, and folded once more.
    again = fold(other)
    assert abs(again["conv1"][0] - weights["conv1"][0]).max() < 1e-4 * abs(weights["conv1"][0]).max()
    assert abs(again["conv1"][1] - weights["conv1"][1]).max() < 1e-3 * abs(weights["conv1"][1]).max()


def test_the_weights_get_the_size_of_he_et_al(trained):
    other = CaffeModule(DEFINITION, phase=pb.TRAIN, seed=8)
    restore_batch_norm(other, fold(trained), IMAGES)
    assert other.weights()["conv1"][0].std() == pytest.approx((2 / 27) ** 0.5, rel=1e-3)


def test_a_large_eps_changes_no_score():
    definition = split_data_layer(parse_net(TRAIN_VAL, "test"), pb.TRAIN)[1]
    for layer in definition.layer:
        if layer.type == "BatchNorm":
            layer.batch_norm_param.eps = 100
    nets = [CaffeModule(definition, phase=pb.TRAIN, seed=seed) for seed in (3, 8)]
    nets[0](IMAGES[:16], torch.zeros(16))
    wanted = scores(nets[0].eval(), IMAGES)
    restore_batch_norm(nets[1], fold(nets[0]), IMAGES)
    assert (wanted - scores(nets[1].eval(), IMAGES)).abs().max() < 1e-4 * wanted.abs().max()


def test_what_is_folded():
    """A layer without bias before batch normalization has one in the weights, and these have no statistics."""
    net = CaffeModule(DEFINITION, phase=pb.TRAIN)
    blob = np.zeros(1, np.float32)
    for weights, folded in (
        *(({"conv1": [blob, blob]}, True), ({"conv1": [blob]}, False), ({}, False)),
        *(({"conv1": [blob, blob], "conv1/bn": [blob] * 3}, False), ({"fc": [blob, blob]}, False)),
    ):
        assert is_folded(net, weights) is folded
