"""A net as a torch module: the eager net's numbers, batches of any size, slices, autograd, training."""

import numpy as np
import pytest
import torch

from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb
from dgnam.errors import CaffeError

TEXT = """
name: "net"
force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv.1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "msra" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "a" type: "InnerProduct" bottom: "conv1" top: "a" param { name: "w" } param { name: "b" }
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "b" type: "InnerProduct" bottom: "conv1" top: "b" param { name: "w" } param { name: "b" }
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "b" top: "b" }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum" }
"""


@pytest.fixture
def module():
    return CaffeModule(parse_net(TEXT, "test"), seed=1)


def images(count, seed=0):
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_it_computes_what_the_eager_net_computes(module, tmp_path):
    net = Net(parse_net(TEXT, "test"), pb.TEST)
    for name, blobs in module.weights().items():
        for blob, values in zip(net.params[name], blobs, strict=True):
            blob.data[...] = values
    x = images(2).requires_grad_()
    top = module(x)["sum"]
    np.testing.assert_allclose(net.forward(data=x.detach().numpy())["sum"], top.detach().numpy(), rtol=1e-5, atol=1e-6)
    weights = torch.randn(top.shape)
    (gradient,) = torch.autograd.grad((top * weights).sum(), x)
    eager = net.backward(sum=weights.numpy())["data"]
    np.testing.assert_allclose(eager, gradient.numpy(), rtol=1e-4, atol=1e-6)


def test_batches_of_any_size_and_slices(module):
    x = images(5)
    whole = module(x, keep=["conv1"])
    assert whole["sum"].shape == (5, 5)
    before = module(x, end="conv.1")["conv1"]
    assert before.min() < 0  # the in-place ReLU that follows has not run
    assert whole["conv1"].min() == 0
    torch.testing.assert_close(module(start="relu1", conv1=before)["sum"], whole["sum"])


def test_shared_parameters_are_one_and_names_hold_no_dots(module):
    assert list(module.state_dict()) == ["conv·1/0", "conv·1/1", "a/0", "a/1"]
    weights = module.weights()
    assert np.array_equal(weights["a"][0], weights["b"][0])


def test_dropout_follows_train_and_its_seed(module):
    x = images(3)
    evaluated = module.eval()(x)["sum"]
    torch.testing.assert_close(module(x)["sum"], evaluated)
    module.train()
    module.seed(4)
    first = module(x)["sum"]
    assert not torch.equal(first, evaluated)
    assert not torch.equal(first, module(x)["sum"])
    module.seed(4)
    assert torch.equal(first, module(x)["sum"])


def test_weights_of_other_shapes_or_counts_are_errors(module):
    with pytest.raises(
        CaffeError, match=r"layer 'a', parameter 0: the net's shape is \(5, 144\), the weights' \(5, 3\)"
    ):
        module.copy_from({"a": [np.zeros((5, 3)), np.zeros(5)]})
    with pytest.raises(CaffeError, match=r"layer 'conv\.1' has 2 parameters; the weights have 1"):
        module.copy_from({"conv.1": [np.zeros((4, 3, 3, 3))]})


def test_old_blobs_with_leading_ones_fit(module):
    module.copy_from({"conv.1": [np.ones((4, 3, 3, 3)), np.full((1, 1, 1, 4), 2.0)]})
    assert (module.weights()["conv.1"][1] == 2).all()


def test_wrong_names_are_errors_that_list_the_closest(module):
    with pytest.raises(CaffeError, match=r"no layer 'conv1'; its layers, the closest first: conv\.1"):
        module(images(1), end="conv1")
    with pytest.raises(CaffeError, match="has no blob 'fc'"):
        module(images(1), keep=["fc"])
    with pytest.raises(CaffeError, match="blob 'data' was neither given nor computed"):
        module()
    with pytest.raises(CaffeError, match=r"takes 1 inputs \['data'\]; got 2"):
        module(images(1), images(1))


def test_a_reshape_that_splits_the_batch_axis_alone_keeps_the_size_it_names():
    """Frames of clips: (frames * clips, 3) into (frames, clips, 3), for any number of clips."""
    text = """name: "clips"
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 3 } } }
    layer { name: "split" type: "Reshape" bottom: "data" top: "split"
      reshape_param { shape { dim: 4 dim: -1 } OPTION } }
    """
    values = torch.arange(24.0).reshape(8, 3)
    split = CaffeModule(parse_net(text.replace("OPTION", "num_axes: 1"), "test"))(values)["split"]
    assert torch.equal(split, values.reshape(4, 2, 3))
    assert CaffeModule(parse_net(text.replace("OPTION", ""), "test"))(values)["split"].shape == (8, 3)
