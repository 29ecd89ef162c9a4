"""The layers of Caffe nets: rows for each image, and the axis of the units."""

import pytest
import torch

import dgnam
from dgnam.am import CaffeTarget, Channel, Unit, released
from dgnam.api.layers import describe
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net
from dgnam.errors import DgnamError

NET = """name: "fold"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 8 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "flat" type: "Flatten" bottom: "conv" top: "flat" flatten_param { axis: 2 } }
layer { name: "tokens" type: "Reshape" bottom: "conv" top: "tokens" reshape_param { shape { dim: 0 dim: 16 dim: 8 } } }
layer { name: "features" type: "InnerProduct" bottom: "tokens" top: "features"
  inner_product_param { num_output: 5 axis: 2 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "features" top: "relu" }
layer { name: "fc" type: "InnerProduct" bottom: "relu" top: "fc"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "pairs" type: "Reshape" bottom: "fc" top: "pairs" reshape_param { shape { dim: -1 dim: 2 } } }
layer { name: "back" type: "Reshape" bottom: "pairs" top: "back" reshape_param { shape { dim: -1 dim: 4 } } }
layer { name: "soft" type: "Softmax" bottom: "fc" top: "soft" softmax_param { axis: 0 } }
layer { name: "sum" type: "Reduction" bottom: "fc" top: "sum" reduction_param { axis: 1 } }
layer { name: "all" type: "Reduction" bottom: "fc" top: "all" }
layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "norm" batch_norm_param { use_global_stats: false } }
"""
IMAGES = 50 * torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def target():
    return CaffeTarget(CaffeModule(parse_net(NET), seed=1))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            "pairs",
            r"layer 'pairs': its first axis is not the batch: one image gives the shape \(2, 2\), and two \(4, 2\)",
        ),
        ("soft", "layer 'soft': the values of one of a batch depend on the others"),
        ("norm", "layer 'norm': the values of one of a batch depend on the others"),
    ],
)
def test_layer_without_rows_of_its_own_raises(target, layer, message):
    for ask in (
        lambda: target.layer_shape(layer),
        lambda: dgnam.visualize(target, f"{layer}:0@all", prior="deepsim-fc6-mini", progress=False),
        lambda: dgnam.evolve(target, f"{layer}:0@all", prior="deepsim-fc6-mini", generations=1, progress=False),
    ):
        with pytest.raises(DgnamError, match=message):
            ask()


def test_rows_that_come_back_are_rows(target):
    assert target.layer_shape("back") == (4,)
    assert torch.equal(target(IMAGES, ["back"])["back"], target(IMAGES, ["fc"])["fc"])


@pytest.mark.parametrize(
    ("layer", "shape", "axis"),
    [
        ("conv", (8, 4, 4), 1),
        ("flat", (16, 8), 1),  # Caffe's channels
        ("features", (16, 5), 2),
        ("relu", (16, 5), 2),
        ("fc", (4,), 1),
    ],
)
def test_units_are_those_of_the_channel_axis(target, layer, shape, axis):
    assert target.layer_shape(layer) == shape
    found, blob = target(IMAGES, [layer])[layer], target.module.values_at([layer], target.preprocess(IMAGES))[layer]
    assert found.shape == (3, *shape)
    unit = blob.select(axis, 3).reshape(3, -1)
    assert torch.allclose(Channel(layer, 3).measure(found), unit.mean(1))
    last = Unit(layer, 3, {1: None, 2: shape[0] - 1, 3: 3}[len(shape)])
    assert torch.equal(last.measure(found), unit[:, -1])


def test_a_number_for_each_image_is_one_unit(target):
    assert target.layer_shape("sum") == (1,)
    assert torch.allclose(target(IMAGES, ["sum"])["sum"], target(IMAGES, ["fc"])["fc"].sum(1, keepdim=True))
    assert target.layer_shape("all") == ()
    with pytest.raises(DgnamError, match="layer 'all' gives one number for a whole batch and has no units"):
        dgnam.visualize(target, "all:0", prior="deepsim-fc6-mini", progress=False)
    with pytest.raises(DgnamError, match="layer 'all' gives one number for a whole batch and has no units"):
        dgnam.visualize(target, Unit("all", 0), prior="deepsim-fc6-mini", progress=False)


def test_a_flattened_channel_is_the_channel(target):
    how = {"prior": "deepsim-fc6-mini", "settings": released(n_iters=3), "progress": False}
    flat, plane = (dgnam.visualize(target, text, **how).traces for text in ("flat:3@all", "conv:3@all"))
    assert flat[0].tolist() == pytest.approx(plane[0].tolist(), rel=1e-3)


def test_a_table_has_an_example_or_a_reason_for_each(target):
    rows = {row.name: row for row in describe(target)}
    assert [rows[name].example for name in ("conv", "flat", "features", "fc")] == [
        *("conv:0@2,2", "flat:0@all", "features:0@all", "fc:0")
    ]
    assert (rows["pairs"].example, rows["pairs"].note) == (None, "no row of its own for each image")


def test_layer_without_a_top_raises():
    text = NET + 'layer { name: "silence" type: "Silence" bottom: "soft" }'
    target = CaffeTarget(CaffeModule(parse_net(text)))
    with pytest.raises(DgnamError, match="layer 'silence' has no top"):
        target.layer_shape("silence")
