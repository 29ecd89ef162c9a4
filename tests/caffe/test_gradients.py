"""Every layer type's gradients against central differences in float64, away from kinks.

L = sum of top * weight over all tops, with random weights; what `Layer.backward` gives for the weights as top diffs
must be dL/dbottom and dL/dparam.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from dgnam.caffe.layer import Context, Layer, Needs, Pass, create_layer, layer_type_list
from dgnam.caffe.layer_types.neuron import Neuron
from dgnam.caffe.proto import parse_net, pb
from dgnam.caffe.syncedmem import Product

STEP = 1e-5
TOLERANCE = 1e-6

WITHOUT_GRADIENT = {
    *("Accuracy", "ArgMax", "Threshold"),
    *("Data", "DummyData", "HDF5Data", "HDF5Output", "ImageData", "Input", "MemoryData", "Python", "WindowData"),
}
"""Layers that change in jumps only, that bring data in or out, or whose gradient is the user's."""

Make = Callable[[torch.Generator], Tensor]


def normal(*shape: int) -> Make:
    return lambda draw: torch.randn(shape, dtype=torch.float64, generator=draw)


def off_zero(*shape: int) -> Make:
    """Normal, with nothing between -0.1 and 0.1."""

    def make(draw: torch.Generator) -> Tensor:
        x = torch.randn(shape, dtype=torch.float64, generator=draw)
        return x + 0.1 * x.sign()

    return make


def positive(*shape: int) -> Make:
    return lambda draw: torch.rand(shape, dtype=torch.float64, generator=draw) + 0.2


def distinct(*shape: int) -> Make:
    """No two values nearer than 0.02, none 0."""

    def make(draw: torch.Generator) -> Tensor:
        count = torch.Size(shape).numel()
        return (torch.randperm(count, generator=draw).to(torch.float64) - count / 2 + 0.3).mul(0.02).view(shape)

    return make


def given(*values: float, shape: Sequence[int] | None = None) -> Make:
    x = torch.tensor(values, dtype=torch.float64)
    return lambda draw: x.clone() if shape is None else x.clone().view(*shape)


@dataclass
class Case:
    """A layer and what its bottoms hold.

    in_place: the layer runs in place, so that its backward pass finds the top in the bottom.
    tops: which tops a gradient comes through; the others' weights are 0.
    """

    type: str
    options: str
    bottoms: list[Make]
    n_tops: int = 1
    tops: list[int] = field(default_factory=list)
    phase: int = pb.TEST
    in_place: bool = False
    tolerance: float = TOLERANCE

    def layer(self) -> Layer:
        bottoms = "".join(f' bottom: "b{i}"' for i in range(len(self.bottoms)))
        names = ["b0"] if self.in_place else [f"t{i}" for i in range(self.n_tops)]
        tops = "".join(f' top: "{name}"' for name in names)
        text = f'layer {{ name: "l" type: "{self.type}"{bottoms}{tops} {self.options} }}'
        return create_layer(parse_net(text).layer[0])


IMAGE = (2, 3, 4, 5)
CASES = [
    Case("AbsVal", "", [off_zero(*IMAGE)]),
    Case("BNLL", "", [normal(*IMAGE)]),
    Case("BatchNorm", "batch_norm_param { eps: 0.01 }", [normal(*IMAGE)], phase=pb.TRAIN),
    Case("BatchNorm", "batch_norm_param { eps: 0.01 }", [normal(6, 3)], phase=pb.TRAIN, in_place=True),
    Case("BatchNorm", "", [normal(*IMAGE)]),
    Case("BatchNorm", "batch_norm_param { use_global_stats: true }", [normal(6, 3)], phase=pb.TRAIN, in_place=True),
    Case("BatchNorm", "batch_norm_param { use_global_stats: false eps: 0.1 }", [normal(4, 2, 3)]),
    Case("BatchReindex", "", [normal(4, 3, 2), given(0, 2, 2, 3, 0)]),
    Case("Bias", "bias_param { axis: 1 num_axes: 2 }", [normal(*IMAGE)]),
    Case("Bias", "bias_param { axis: 2 }", [normal(*IMAGE), normal(4, 5)]),
    Case("Clip", "clip_param { min: -0.05 max: 0.05 }", [off_zero(*IMAGE)]),
    Case("Concat", "concat_param { axis: 2 }", [normal(2, 3, 4), normal(2, 3, 1)]),
    Case("ContrastiveLoss", "contrastive_loss_param { margin: 4 }", [normal(4, 3), normal(4, 3), given(1, 0, 1, 0)],
         tolerance=1e-3),
    Case("ContrastiveLoss", "contrastive_loss_param { margin: 9 legacy_version: true }",
         [normal(4, 3), normal(4, 3), given(1, 0, 1, 0)]),
    Case("Convolution", "convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 group: 2 }",
         [normal(2, 4, 5, 6)]),
    Case("Convolution", "convolution_param { num_output: 3 kernel_size: 2 dilation: 2 }",
         [normal(1, 2, 5, 6), normal(1, 2, 5, 6)], n_tops=2),
    Case("Convolution", "convolution_param { num_output: 3 kernel_size: 3 axis: 2 }", [normal(2, 2, 2, 7)]),
    Case("Convolution", "convolution_param { num_output: 3 }", [normal(2, 4)]),
    Case("Convolution",
         "convolution_param { num_output: 2 kernel_size: 2 stride: 1 stride: 2 stride: 1 pad: 1 group: 2 }",
         [normal(1, 2, 3, 2, 3)]),
    Case("Convolution", "convolution_param { num_output: 2 kernel_size: 2 stride: 2 }", [normal(1, 2, 2, 3, 2, 3)]),
    Case("Convolution", "convolution_param { num_output: 2 kernel_size: 3 dilation: 0 bias_term: false }",
         [normal(1, 2, 3, 3)]),
    Case("Convolution", "convolution_param { num_output: 2 kernel_size: 4 stride: 3 axis: 0 }", [normal(2, 3, 5)]),
    Case("Crop", "crop_param { axis: 2 offset: 1 }", [normal(2, 3, 5, 6), normal(2, 3, 3, 4)]),
    Case("Deconvolution", "convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 group: 2 }",
         [normal(2, 4, 3, 4)]),
    Case("Deconvolution", "convolution_param { num_output: 3 }", [normal(2, 4)]),
    Case("Deconvolution", "convolution_param { num_output: 2 kernel_size: 3 stride: 2 pad: 1 }", [normal(1, 2, 4)]),
    Case("Deconvolution", "convolution_param { num_output: 2 kernel_size: 2 stride: 2 group: 2 bias_term: false }",
         [normal(1, 2, 2, 1, 2, 2)]),
    Case("Dropout", "dropout_param { dropout_ratio: 0.3 }", [normal(*IMAGE)], phase=pb.TRAIN),
    Case("Dropout", "dropout_param { dropout_ratio: 0.3 }", [normal(*IMAGE)], phase=pb.TRAIN, in_place=True),
    Case("Dropout", "", [normal(*IMAGE)]),
    Case("ELU", "elu_param { alpha: 0.7 }", [off_zero(*IMAGE)]),
    Case("ELU", "elu_param { alpha: 0.7 }", [off_zero(*IMAGE)], in_place=True),
    Case("Eltwise", "eltwise_param { operation: PROD }", [normal(2, 3), normal(2, 3), normal(2, 3)]),
    Case("Eltwise", "eltwise_param { operation: PROD stable_prod_grad: false }", [off_zero(2, 3), off_zero(2, 3)]),
    Case("Eltwise", "eltwise_param { operation: SUM coeff: 2 coeff: -1 }", [normal(2, 3), normal(2, 3)]),
    Case("Eltwise", "eltwise_param { operation: SUM }", [normal(2, 3), normal(2, 3), normal(2, 3)]),
    Case("Eltwise", "eltwise_param { operation: MAX }", [normal(2, 9), normal(2, 9), normal(2, 9)]),
    Case("Embed", "embed_param { num_output: 3 input_dim: 5 }", [given(0, 4, 4, 2)]),
    Case("EuclideanLoss", "", [normal(4, 3), normal(4, 3)]),
    Case("Exp", "exp_param { base: 2 scale: 0.5 shift: 0.1 }", [normal(*IMAGE)]),
    Case("Exp", "", [normal(*IMAGE)], in_place=True),
    Case("Filter", "", [normal(4, 3), normal(4, 2, 2), given(1, 0, 0, 1)], n_tops=2),
    Case("Flatten", "", [normal(*IMAGE)]),
    Case("HingeLoss", "", [distinct(4, 3), given(0, 2, 1, 1)]),
    Case("HingeLoss", "hinge_loss_param { norm: L2 }", [distinct(4, 3), given(0, 2, 1, 1)]),
    Case("Im2col", "convolution_param { kernel_size: 3 stride: 2 pad: 1 dilation: 2 }", [normal(2, 3, 6, 7)]),
    Case("Im2col", "convolution_param { kernel_size: 2 }", [normal(2, 3, 6)]),
    Case("Im2col", "convolution_param { kernel_size: 2 pad: 1 stride: 2 axis: 0 }", [normal(2, 3, 2, 3)]),
    Case("InfogainLoss", "", [normal(4, 3), given(0, 2, 1, 1), positive(3, 3)]),
    Case("InfogainLoss", "loss_param { ignore_label: 1 }", [normal(2, 3, 2), given(0, 2, 1, 1), positive(3, 3)],
         n_tops=2, tops=[0]),
    Case("InfogainLoss", "infogain_loss_param { axis: -2 } loss_param { normalization: BATCH_SIZE }",
         [normal(2, 3, 2), given(0, 2, 1, 1, shape=(2, 2)), positive(3, 3)]),
    Case("InnerProduct", "inner_product_param { num_output: 4 }", [normal(2, 3, 4)]),
    Case("InnerProduct", "inner_product_param { num_output: 2 axis: 0 bias_term: false }", [normal(2, 3)]),
    Case("InnerProduct", "inner_product_param { num_output: 4 axis: 2 transpose: true }", [normal(2, 3, 4)]),
    Case("LRN", "lrn_param { local_size: 3 alpha: 2 beta: 0.6 k: 1.5 }", [normal(2, 5, 3, 2)]),
    Case("LRN", "lrn_param { local_size: 5 alpha: 2 beta: 0.75 }", [normal(2, 4, 3, 2)]),
    Case("LRN", "lrn_param { local_size: 3 alpha: 2 norm_region: WITHIN_CHANNEL }", [normal(2, 3, 4, 5)]),
    Case("LSTM", "recurrent_param { num_output: 3 }", [normal(3, 2, 4), given(0, 0, 1, 1, 1, 0, shape=(3, 2))]),
    Case("LRN", "lrn_param { local_size: 1 alpha: 2 norm_region: WITHIN_CHANNEL }", [normal(2, 3, 4, 5)]),
    Case("LSTM", "recurrent_param { num_output: 3 expose_hidden: true }",
         [normal(3, 2, 4), given(0, 0, 1, 1, 1, 0, shape=(3, 2)), given(*[0] * 6, shape=(1, 2, 3)),
          given(*[0] * 6, shape=(1, 2, 3))], n_tops=3, tops=[0]),
    Case("LSTM", "recurrent_param { num_output: 3 }",
         [normal(3, 2, 4), given(0, 0, 1, 1, 1, 0, shape=(3, 2)), normal(2, 5)]),
    Case("LSTMUnit", "", [normal(1, 2, 3), normal(1, 2, 12), given(1, 0, shape=(1, 2))], n_tops=2),
    Case("Log", "log_param { base: 10 scale: 2 shift: 0.5 }", [positive(*IMAGE)]),
    Case("MVN", "", [normal(*IMAGE)]),
    Case("MVN", "mvn_param { across_channels: true }", [normal(*IMAGE)]),
    Case("MVN", "mvn_param { normalize_variance: false }", [normal(2, 3, 4)]),
    Case("MultinomialLogisticLoss", "", [positive(4, 3), given(0, 2, 1, 1)]),
    Case("PReLU", "", [off_zero(*IMAGE)]),
    Case("PReLU", "prelu_param { channel_shared: true }", [off_zero(*IMAGE)], in_place=True),
    Case("Parameter", "parameter_param { shape { dim: 2 dim: 3 } }", []),
    Case("Pooling", "pooling_param { kernel_size: 3 stride: 2 }", [distinct(2, 2, 6, 6)]),
    Case("Pooling", "pooling_param { kernel_size: 3 stride: 2 pad: 1 }", [distinct(1, 2, 5, 6)], n_tops=2, tops=[0]),
    Case("Pooling", "pooling_param { kernel_size: 3 stride: 2 pad: 2 }", [distinct(1, 2, 5, 6)]),
    Case("Pooling", "pooling_param { kernel_size: 1 stride: 3 }", [distinct(1, 2, 5, 6)]),
    Case("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }", [normal(1, 2, 6, 6)]),
    Case("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 2 }", [normal(1, 2, 5, 6)]),
    Case("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }", [positive(1, 2, 5, 6)]),
    Case("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }", [positive(1, 2, 5, 6)],
         phase=pb.TRAIN),
    Case("Power", "power_param { power: 3 scale: 0.7 shift: 0.3 }", [positive(*IMAGE)]),
    Case("Power", "power_param { power: 0.5 scale: 2 }", [positive(*IMAGE)]),
    Case("Power", "power_param { power: 2 scale: 0.7 shift: 0.3 }", [normal(*IMAGE)]),
    Case("Power", "power_param { scale: 0.7 shift: 0.3 }", [normal(*IMAGE)]),
    Case("Power", "power_param { scale: 0 shift: 0.3 power: 2 }", [normal(*IMAGE)]),
    Case("RNN", "recurrent_param { num_output: 3 }", [normal(3, 2, 4), given(0, 0, 1, 1, 1, 0, shape=(3, 2))]),
    Case("ReLU", "", [off_zero(*IMAGE)], in_place=True),
    Case("ReLU", "relu_param { negative_slope: 0.3 }", [off_zero(*IMAGE)]),
    Case("Reduction", "reduction_param { operation: SUM axis: 1 coeff: 2 }", [normal(*IMAGE)]),
    Case("Reduction", "reduction_param { operation: MEAN axis: 2 }", [normal(*IMAGE)]),
    Case("Reduction", "reduction_param { operation: ASUM }", [off_zero(*IMAGE)]),
    Case("Reduction", "reduction_param { operation: SUMSQ axis: -1 }", [normal(*IMAGE)]),
    Case("Reshape", "reshape_param { shape { dim: 0 dim: -1 } }", [normal(*IMAGE)]),
    Case("SPP", "spp_param { pyramid_height: 3 pool: MAX }", [distinct(1, 2, 9, 7)]),
    Case("SPP", "spp_param { pyramid_height: 2 pool: AVE }", [normal(1, 2, 5, 5)]),
    Case("Scale", "scale_param { bias_term: true }", [normal(*IMAGE)]),
    Case("Scale", "scale_param { axis: 0 num_axes: 2 bias_term: true }", [normal(*IMAGE)], in_place=True),
    Case("Scale", "scale_param { num_axes: 0 }", [normal(*IMAGE)]),
    Case("Scale", "scale_param { axis: 0 bias_term: true }", [normal(*IMAGE), normal(2, 3)]),
    Case("Sigmoid", "", [normal(*IMAGE)], in_place=True),
    Case("SigmoidCrossEntropyLoss", "loss_param { normalization: NONE }", [normal(3, 4), positive(3, 4)]),
    Case("SigmoidCrossEntropyLoss", "", [normal(3, 4), given(*[0, 1, 0.3, 1] * 3, shape=(3, 4))]),
    Case("SigmoidCrossEntropyLoss", "loss_param { ignore_label: 1 normalization: VALID }",
         [normal(3, 4), given(*[0, 1, 0, 2] * 3, shape=(3, 4))]),
    Case("Silence", "", [normal(2, 3), normal(2, 3)], n_tops=0),
    Case("Slice", "slice_param { axis: 1 slice_point: 1 slice_point: 4 }", [normal(2, 6, 3)], n_tops=3),
    Case("Softmax", "", [normal(*IMAGE)], in_place=True),
    Case("Softmax", "softmax_param { axis: -1 }", [normal(*IMAGE)]),
    Case("Softmax", "softmax_param { axis: 0 }", [normal(*IMAGE)]),
    Case("SoftmaxWithLoss", "", [normal(4, 3), given(0, 2, 1, 1)]),
    Case("SoftmaxWithLoss", "loss_param { ignore_label: 1 normalization: FULL }", [normal(2, 3, 2), given(0, 2, 1, 1)],
         n_tops=2, tops=[0]),
    Case("SoftmaxWithLoss", "softmax_param { axis: -1 } loss_param { normalize: false }",
         [normal(2, 2, 3), given(0, 2, 1, 1, shape=(2, 2))]),
    Case("Split", "", [normal(2, 3)], n_tops=3),
    Case("Swish", "swish_param { beta: 1.5 }", [normal(*IMAGE)]),
    Case("Swish", "", [normal(*IMAGE)], in_place=True),
    Case("TanH", "", [normal(*IMAGE)], in_place=True),
    Case("Tile", "tile_param { axis: 1 tiles: 3 }", [normal(2, 3, 4)]),
]  # fmt: skip


def run(layer: Layer, case: Case, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> tuple[Context, list[Tensor]]:
    """A forward pass from the start: the same random numbers each time, no memory of the last pass."""
    context = Context(case.phase, torch.Generator().manual_seed(5))
    params = [p.clone() for p in params] if layer.statistics else params
    return context, [top.detach() for top in layer.forward(context, [b.clone() for b in bottoms], params)]


def worst_error(layer: Layer, case: Case) -> float:
    """The largest difference between backward's gradients and central differences, relative to the largest of these."""
    draw = torch.Generator().manual_seed(7)
    bottoms = [make(draw) for make in case.bottoms]
    blobs = layer.param_blobs([tuple(b.shape) for b in bottoms])
    params = [positive(*blob.shape)(draw) if layer.statistics else normal(*blob.shape)(draw) for blob in blobs]
    context, tops = run(layer, case, bottoms, params)
    reached = case.tops if case.tops else range(len(tops))
    # A pooling window wholly outside has the lowest float, beside which differences would be lost.
    weights = [normal(*t.shape)(draw) * (t.abs() < 1e30) * (i in reached) for i, t in enumerate(tops)]

    def loss() -> float:
        moved = run(layer, case, bottoms, params)[1]
        return sum(float((top * weight).sum()) for top, weight in zip(moved, weights, strict=True))

    reached_bottoms = [i not in (*layer.no_gradient, *layer.unforced) for i in range(len(bottoms))]
    needs = Needs(reached_bottoms, [not layer.statistics] * len(params))
    found_at = [tops[0], *bottoms[1:]] if case.in_place else bottoms
    bottom_diffs, param_diffs = layer.backward(context, Pass(tops, weights, found_at, params, needs))
    worst = 0.0
    for values, diffs, wanted in ((bottoms, bottom_diffs, needs.bottoms), (params, param_diffs, needs.params)):
        for value, diff, want in zip(values, diffs, wanted, strict=True):
            if want:
                expected = central_differences(loss, value)
                got = torch.zeros_like(value)
                if isinstance(diff, Product):
                    diff.add_to(got)
                elif diff is not None:
                    assert diff.shape == value.shape
                    got += diff
                scale = max(float(expected.abs().max()), 1e-3) if expected.numel() else 1.0
                worst = max(worst, float((got - expected).abs().max()) / scale)
    return worst


def central_differences(loss: Callable[[], float], values: Tensor) -> Tensor:
    """dL/dvalues, changing one number at a time, in place."""
    slopes = torch.zeros_like(values)
    flat, out = values.view(-1), slopes.view(-1)
    for i in range(flat.numel()):
        before = flat[i].item()
        flat[i] = before + STEP
        above = loss()
        flat[i] = before - STEP
        below = loss()
        flat[i] = before
        out[i] = (above - below) / (2 * STEP)
    return slopes


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.type}-{CASES.index(case)}")
def test_gradient(case):
    with torch.no_grad():
        assert worst_error(case.layer(), case) <= case.tolerance


def test_every_type_is_checked():
    assert {case.type for case in CASES} | WITHOUT_GRADIENT == set(layer_type_list())


class WrongTanH(Neuron):
    """TanH with a gradient that forgets the square."""

    def function(self, context: Context, x: Tensor) -> Tensor:
        return torch.tanh(x)

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        return dy * (1 - y)


def test_a_wrong_gradient_is_found():
    case = Case("TanH", "", [normal(*IMAGE)])
    with torch.no_grad():
        assert worst_error(WrongTanH(case.layer().definition), case) > 100 * TOLERANCE
