"""In-place layers overwrite the blobs that share their memory, as in the eager net, whose numbers are real Caffe's."""

import numpy as np
import pytest
import torch

import dgnam.caffe as caffe
from dgnam.caffe.proto import parse_net

FORMS = {
    "Flatten": "",
    "Reshape": "reshape_param { shape { dim: 0 dim: -1 } }",
    "Slice": "",
    "Split": "",
}


def net(kind: str) -> str:
    return f"""force_backward: true
    layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 3 dim: 2 }} }} }}
    layer {{ name: "before" type: "Power" bottom: "x" top: "before" power_param {{ scale: 5 }} }}
    layer {{ name: "f" type: "{kind}" bottom: "x" top: "f" {FORMS[kind]} }}
    layer {{ name: "relu" type: "ReLU" bottom: "f" top: "f" }}
    layer {{ name: "after" type: "Power" bottom: "x" top: "after" power_param {{ scale: 2 }} }}"""


@pytest.mark.parametrize("kind", FORMS)
def test_modules_overwrite_as_the_eager_net(kind):
    definition, images = parse_net(net(kind)), np.random.RandomState(0).randn(2, 3, 2).astype(np.float32)
    wanted = caffe.Net(definition, caffe.TEST).forward(x=images)
    assert (wanted["after"] >= 0).all()
    assert (wanted["before"] < 0).any()
    for module in (caffe.CaffeModule(definition), caffe.to_torch(definition)):
        found = module(torch.from_numpy(images))
        assert all(np.array_equal(found[blob].numpy(), values) for blob, values in wanted.items())


@pytest.mark.parametrize("kind", ["Flatten", "Reshape", "Slice"])
def test_gradients_pass_by_the_in_place_layer(kind):
    definition, images = parse_net(net(kind)), np.random.RandomState(0).randn(2, 3, 2).astype(np.float32)
    eager = caffe.Net(definition, caffe.TEST)
    eager.forward(x=images)
    eager.blobs["after"].diff[...] = 1
    eager.backward()
    for module in (caffe.CaffeModule(definition), caffe.to_torch(definition)):
        x = torch.from_numpy(images).requires_grad_()
        module(x)["after"].sum().backward()
        assert np.array_equal(x.grad, eager.blobs["x"].diff)


def test_a_layer_is_needed_for_what_it_overwrites():
    definition = parse_net(net("Flatten"))
    after = caffe.to_torch(definition, outputs=["after"])
    assert (after(torch.randn(2, 3, 2)) >= 0).all()
