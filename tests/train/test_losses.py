"""The published losses are those of Caffe's layers; the relative ones don't change with size or scale."""

import math

import pytest
import torch

from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net
from dgnam.errors import DgnamError
from dgnam.train.losses import PUBLISHED, Losses, RelativeLosses

EUCLIDEAN = """
layer { name: "a" type: "Input" top: "a" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
layer { name: "b" type: "Input" top: "b" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "a" bottom: "b" top: "loss" }
"""


def pair(*shape):
    draw = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=draw) * 50, torch.randn(shape, generator=draw) * 50


def test_the_published_sums_are_those_of_caffe_s_layer():
    fake, real = pair(5, 3, 4, 4)
    wanted = CaffeModule(parse_net(EUCLIDEAN, "test"))(fake, real)["loss"]
    score = torch.tensor([[0.0], [2.0]])
    terms = PUBLISHED.terms(fake, real, [fake, fake], [real, real], score)
    assert terms["image"].item() == pytest.approx(wanted.item(), rel=1e-6)
    assert terms["feature"].item() == pytest.approx(2 * wanted.item(), rel=1e-6)
    assert terms["adversarial"].item() == pytest.approx((math.log(2) + math.log1p(math.exp(-2))) / 2)


def test_the_published_weights():
    assert (PUBLISHED.image, PUBLISHED.feature, PUBLISHED.adversarial) == (2e-6, 0.01, 100)
    terms = {"image": torch.tensor(5e5), "feature": torch.tensor(300.0), "adversarial": torch.tensor(0.5)}
    assert PUBLISHED.total(terms).item() == pytest.approx(1 + 3 + 50)


@pytest.mark.parametrize("scale", [1.0, 7.0])
def test_ratios_do_not_change_with_the_features_scale_or_the_batch(scale):
    fake, real = pair(4, 6, 2, 2)
    once = RelativeLosses().terms(fake, real, [fake], [real], torch.zeros(4, 1))
    more = RelativeLosses().terms(
        torch.cat([fake, fake]), torch.cat([real, real]), [fake * scale], [real * scale], torch.zeros(8, 1)
    )
    for name, term in once.items():
        assert more[name].item() == pytest.approx(term.item(), rel=1e-5)


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_a_weight_without_sense_is_refused(weight):
    with pytest.raises(DgnamError, match="the weight of the feature loss is"):
        Losses(feature=weight)


def test_ratios_by_hand():
    real, fake = torch.full((2, 3, 2, 2), 32.0), torch.full((2, 3, 2, 2), -32.0)
    ours, theirs = (
        [torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0]])],
        [torch.tensor([[1.0, 1.0]]), torch.tensor([[2.0]])],
    )
    terms = RelativeLosses().terms(fake, real, ours, theirs, torch.tensor([[0.0]]))
    assert terms["image"].item() == 1
    assert terms["feature"].item() == pytest.approx((2 + 1) / 2)
    assert terms["adversarial"].item() == pytest.approx(math.log(2))
    assert RelativeLosses().total(terms).item() == pytest.approx(1 + 1.5 + 0.1 * math.log(2))
    assert (RelativeLosses.form, Losses.form) == ("ratios", "sums")
    assert Losses(0, 0, 0).total(terms).item() == 0
