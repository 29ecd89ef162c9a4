"""Gradients by columns equal torch's."""

import pytest
import torch

from dgnam.caffe.layer import Context, Needs, Pass, create_layer
from dgnam.caffe.layer_types import convolution
from dgnam.caffe.proto import parse_net
from dgnam.caffe.syncedmem import Product


def gradients(kind: str, options: str, shape: tuple[int, ...], wanted: tuple[bool, ...]) -> list[torch.Tensor | None]:
    definition = parse_net(
        f'layer {{ name: "x" type: "{kind}" bottom: "x" top: "y" convolution_param {{ {options} }} }}'
    ).layer[0]
    layer, draw = create_layer(definition), torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=draw, dtype=torch.float64)
    params = [torch.randn(p.shape, generator=draw, dtype=torch.float64) for p in layer.param_blobs([shape])]
    tops = layer.forward(Context(), [x], params)
    diffs = [torch.randn(t.shape, generator=draw, dtype=torch.float64) for t in tops]
    needs = Needs(wanted[:1], wanted[1 : 1 + len(params)])
    bottoms, found = layer.backward(Context(), Pass(tops, diffs, [x], params, needs))
    totals = []
    for param, grad in zip(params, found, strict=True):
        total = torch.zeros_like(param)
        if isinstance(grad, Product):
            grad.add_to(total)
        elif grad is not None:
            total += grad
        totals.append(total)
    return [*bottoms, *totals]


@pytest.mark.parametrize("kind", ["Convolution", "Deconvolution"])
@pytest.mark.parametrize(
    "options",
    [
        "num_output: 4 kernel_size: 3",
        "num_output: 4 kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 3 pad_h: 1 pad_w: 0",
        "num_output: 3 kernel_size: 3 stride: 2 dilation: 2 pad: 2",
        "num_output: 4 kernel_size: 2 group: 2",
        "num_output: 2 kernel_size: 3 pad: 1 bias_term: false",
        "num_output: 3 kernel_size: 3 axis: 2",
    ],
)
@pytest.mark.parametrize("wanted", [(True, True, True), (True, False, True), (False, True, False)])
def test_by_columns_and_by_torch_gradients_are_equal(monkeypatch, kind, options, wanted):
    shape = (2, 2, 2, 6, 7) if "axis" in options else (2, 2, 6, 7)
    monkeypatch.setattr(convolution, "FEW_CHANNELS", 0)
    monkeypatch.setattr(convolution, "FEW_POSITIONS", 0)
    expected = gradients(kind, options, shape, wanted)
    monkeypatch.setattr(convolution, "FEW_CHANNELS", 10**9)
    monkeypatch.setattr(convolution, "FEW_POSITIONS", 10**9)
    found = gradients(kind, options, shape, wanted)
    for one, other in zip(found, expected, strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.allclose(one, other, rtol=1e-10, atol=1e-10)
