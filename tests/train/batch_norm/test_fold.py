"""Folding changes no score, and scaling a code changes nothing but the code."""

import numpy as np
import pytest
import torch

from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, pb
from dgnam.errors import DgnamError
from dgnam.train.batch_norm.fold import averaged, fold, folded_net, scale_code
from dgnam.train.data_layer import split_data_layer
from tests.toy import TRAIN_VAL

LAYERS = """
name: "net"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 6 dim: 6 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 4 kernel_size: 3 group: 1 %s weight_filler { type: "msra" } } }
%s
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "up" type: "Deconvolution" bottom: "conv1" top: "up"
  convolution_param { num_output: 2 kernel_size: 2 stride: 2 weight_filler { type: "msra" } } }
%s
layer { name: "fc6" type: "InnerProduct" bottom: "up" top: "fc6"
  inner_product_param { num_output: 5 %s weight_filler { type: "msra" } } }
%s
layer { name: "relu6" type: "ReLU" bottom: "fc6" top: "fc6" }
layer { name: "fc7" type: "InnerProduct" bottom: "fc6" top: "fc7"
  inner_product_param { num_output: 3 weight_filler { type: "msra" } } }
"""
NORM = """
layer { name: "%s/bn" type: "BatchNorm" bottom: "%s" top: "%s" batch_norm_param { moving_average_fraction: 0.5 } }
layer { name: "%s/scale" type: "Scale" bottom: "%s" top: "%s"
  scale_param { bias_term: true filler { type: "uniform" min: 0.5 max: 2 } bias_filler { type: "uniform" } } }
"""
POWER = 'layer { name: "power" type: "Power" bottom: "up" top: "up" power_param { scale: 64 shift: 3 } }'


def norm(blob):
    return NORM % ((blob,) * 6)


def nets():
    train = LAYERS % ("bias_term: false", norm("conv1"), POWER, "bias_term: false", norm("fc6"))
    deploy = LAYERS % ("", "", "", "", "")
    return CaffeModule(parse_net(train, "train")), parse_net(deploy, "deploy")


def test_the_folded_net_gives_the_same_scores():
    net, deploy = nets()
    x = torch.randn(16, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    net.train()
    for _ in range(3):
        net(x)
    net.eval()
    folded = CaffeModule(deploy, fold(net)).eval()
    wanted = net(x)["fc7"].detach()
    error = (folded(x)["fc7"].detach() - wanted).abs().max() / wanted.abs().max()
    assert error < 1e-5
    assert all("bn" not in name for name in fold(net))


def test_a_scaled_code_leaves_what_follows_as_it_was():
    net, deploy = nets()
    net.train()
    net(torch.randn(16, 3, 6, 6))
    weights = fold(net)
    before = CaffeModule(deploy, weights)
    scale_code(weights, "fc6", "fc7", 7.0)
    after = CaffeModule(deploy, weights)
    x = torch.randn(4, 3, 6, 6)
    one, other = before(x, keep=["fc6"]), after(x, keep=["fc6"])
    torch.testing.assert_close(other["fc6"], one["fc6"] * 7)
    torch.testing.assert_close(other["fc7"], one["fc7"])


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ('layer { name: "r" type: "ReLU" bottom: "up" top: "up" }' + POWER, "'power' can't be folded"),
        (
            'layer { name: "p" type: "Power" bottom: "data" top: "data" power_param { scale: 2 } }',
            "'p' can't be folded",
        ),
        (POWER.replace("scale: 64", "power: 2"), "its power is 2"),
    ],
)
def test_what_cannot_be_folded_is_an_error(layer, message):
    place = "data" if '"data"' in layer else "up"
    text = LAYERS % ("", "", layer if place == "up" else "", "", "")
    if place == "data":
        head, _, tail = text.partition('layer { name: "conv1"')
        text = head + layer + '\nlayer { name: "conv1"' + tail
    with pytest.raises(DgnamError, match=message):
        fold(CaffeModule(parse_net(text, "test")))


def test_averaged_weights_are_the_same_net_and_fit_into_float16():
    """A variance of over 65,504, float16's largest number, is brought down with the layer before."""
    net = CaffeModule(split_data_layer(parse_net(TRAIN_VAL, "test"), pb.TRAIN)[1], phase=pb.TRAIN, seed=3)
    images = torch.randn(16, 3, 12, 12) * 400
    for _ in range(3):
        net(images, torch.zeros(16))
    net.eval()
    plain, weights = net(images, end="fc")["fc"], averaged(net)
    assert (net.weights()["conv1/bn"][1] / net.weights()["conv1/bn"][2]).max() > 65504
    assert all(np.isfinite(blob.astype(np.float16)).all() for blobs in weights.values() for blob in blobs)
    assert weights["conv1/bn"][2] == [1]
    net.copy_from(weights)
    assert torch.allclose(net(images, end="fc")["fc"], plain, rtol=1e-3, atol=1e-4)


def test_a_folded_net_gives_the_same_numbers_in_fewer_layers():
    definition = split_data_layer(parse_net(TRAIN_VAL, "test"), pb.TEST)[1]
    net = CaffeModule(definition, seed=1)
    with torch.no_grad():
        for value in net.buffers():
            value.add_(0.5)
    net.eval()
    images = torch.randn(4, 3, 12, 12, generator=torch.Generator().manual_seed(0)) * 50
    plain = folded_net(definition, net)
    assert plain.layer_names == [name for name in net.layer_names if "/" not in name and not name.startswith("drop")]
    wanted, given = (module(images, torch.zeros(4).long(), end="fc")["fc"] for module in (net, plain))
    assert torch.allclose(wanted, given, atol=1e-4 * wanted.abs().max().item())


def test_a_folded_net_scales_once():
    definition = parse_net(LAYERS % ("bias_term: false", norm("conv1"), POWER, "", ""), "scaled")
    net = CaffeModule(definition, seed=1)
    with torch.no_grad():
        for value in net.buffers():
            value.add_(0.5)
    net.eval()
    plain, images = folded_net(definition, net), torch.randn(1, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    assert "power" not in plain.layer_names
    wanted, given = (module(images)["fc7"] for module in (net, plain))
    assert torch.allclose(wanted, given, rtol=1e-4, atol=1e-4 * wanted.abs().max().item())


def test_the_eps_of_batch_norm_is_folded_too():
    """With a variance of 3 and an eps of 1 the factor is 1 / sqrt(4), and not 1 / sqrt(3)."""
    layers = LAYERS % ("bias_term: false", norm("conv1").replace("0.5 } }", "0.5 eps: 1 } }"), POWER, "", "")
    net = CaffeModule(parse_net(layers, "train"))
    blobs = [np.full(4, 2, np.float32), np.full(4, 3, np.float32), np.ones(1, np.float32)]
    ones, zeros = np.ones(4, np.float32), np.zeros(4, np.float32)
    net.copy_from({"conv1/bn": blobs, "conv1/scale": [ones, zeros]})
    weight, bias = fold(net)["conv1"]
    np.testing.assert_allclose(weight, net.weights()["conv1"][0] / 2, rtol=1e-6)
    np.testing.assert_allclose(bias, [-1] * 4, rtol=1e-6)
