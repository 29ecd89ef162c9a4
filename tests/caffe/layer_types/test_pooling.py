"""Maxima by way of channels last are torch's, bit by bit."""

import pytest
import torch

from dgnam.caffe.layer import Context, create_layer
from dgnam.caffe.proto import parse_net


@pytest.mark.parametrize("options", ["kernel_size: 3 stride: 2", "kernel_size: 3 stride: 1 pad: 1", "kernel_size: 2"])
@pytest.mark.parametrize("channels", [1, 8, 19])
def test_with_and_without_autograd_maxima_are_equal(options, channels):
    layer = create_layer(
        parse_net(f'layer {{ name: "p" type: "Pooling" bottom: "x" top: "y" pooling_param {{ {options} }} }}').layer[0]
    )
    x = torch.randn(2, channels, 9, 10, generator=torch.Generator().manual_seed(0)).relu_()  # many ties at 0
    x[0, 0, 3, 3], x[1, -1, 0, 0] = torch.nan, torch.inf
    plain, lean = Context(), Context()
    (expected,) = layer.forward(plain, [x], [])
    with torch.no_grad():
        (found,) = layer.forward(lean, [x], [])
    assert torch.equal(found.nan_to_num(7), expected.nan_to_num(7))
    assert torch.equal(lean.state["position"], plain.state["position"])
    assert found.is_contiguous()
