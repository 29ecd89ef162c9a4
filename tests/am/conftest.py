"""Nets for the tests of the method: linear ones whose gradients are known, and CaffeNet and a generator, very small."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb

TARGET = """
name: "tiny-target"
force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 28 dim: 28 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 8 kernel_size: 5 stride: 2 weight_filler { type: "msra" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "conv5" type: "Convolution" bottom: "pool1" top: "conv5"
  convolution_param { num_output: 8 kernel_size: 3 pad: 1 group: 2 weight_filler { type: "msra" } } }
layer { name: "relu5" type: "ReLU" bottom: "conv5" top: "conv5" }
layer { name: "fc6" type: "InnerProduct" bottom: "conv5" top: "fc6"
  inner_product_param { num_output: 16 weight_filler { type: "msra" } } }
layer { name: "relu6" type: "ReLU" bottom: "fc6" top: "fc6" }
layer { name: "drop6" type: "Dropout" bottom: "fc6" top: "fc6" }
layer { name: "fc8" type: "InnerProduct" bottom: "fc6" top: "fc8"
  inner_product_param { num_output: 10 weight_filler { type: "msra" } bias_filler { type: "uniform" min: -1 max: 1 } } }
layer { name: "prob" type: "Softmax" bottom: "fc8" top: "prob" }
"""

# Its Reshape fixes the batch to 1, as the published generators' does.
GENERATOR = """
name: "tiny-generator"
force_backward: true
layer { name: "feat" type: "Input" top: "feat" input_param { shape { dim: 1 dim: 12 } } }
layer { name: "defc5" type: "InnerProduct" bottom: "feat" top: "defc5"
  inner_product_param { num_output: 128 weight_filler { type: "msra" } } }
layer { name: "relu_defc5" type: "ReLU" bottom: "defc5" top: "defc5" relu_param { negative_slope: 0.3 } }
layer { name: "reshape" type: "Reshape" bottom: "defc5" top: "reshape_defc5"
  reshape_param { shape { dim: 1 dim: 8 dim: 4 dim: 4 } } }
layer { name: "deconv5" type: "Deconvolution" bottom: "reshape_defc5" top: "deconv5"
  convolution_param { num_output: 8 kernel_size: 4 stride: 2 pad: 1 weight_filler { type: "gaussian" std: 0.1 } } }
layer { name: "relu_deconv5" type: "ReLU" bottom: "deconv5" top: "deconv5" relu_param { negative_slope: 0.3 } }
layer { name: "deconv1" type: "Deconvolution" bottom: "deconv5" top: "deconv1"
  convolution_param { num_output: 6 kernel_size: 4 stride: 2 pad: 1 weight_filler { type: "gaussian" std: 0.1 } } }
layer { name: "relu_deconv1" type: "ReLU" bottom: "deconv1" top: "deconv1" relu_param { negative_slope: 0.3 } }
layer { name: "deconv0" type: "Deconvolution" bottom: "deconv1" top: "deconv0"
  convolution_param { num_output: 3 kernel_size: 4 stride: 2 pad: 1 weight_filler { type: "gaussian" std: 3 } } }
"""


class LinearNet:
    """One layer, `name`, from blob `bottom` to a top of its own name: top = matrix @ bottom, as a pycaffe net.

    gradient: what backward gives in place of the true gradient, where not None.
    """

    def __init__(self, name, bottom, matrix, bottom_shape, top_shape):
        self.inputs, self.outputs, self.top_names = [bottom], [name], {name: [name]}
        self.matrix = np.asarray(matrix, np.float32)
        self.blobs = {
            blob: SimpleNamespace(data=np.zeros(shape, np.float32), diff=np.zeros(shape, np.float32))
            for blob, shape in ((bottom, bottom_shape), (name, top_shape))
        }
        self.gradient = None

    def forward(self, end=None, **data):
        bottom, top = self.blobs[self.inputs[0]], self.blobs[self.outputs[0]]
        bottom.data[...] = data[self.inputs[0]]
        top.data.flat = self.matrix @ bottom.data.ravel()
        return {self.outputs[0]: top.data}

    def backward(self, start=None, diffs=None, **top_diffs):
        bottom, top = self.blobs[self.inputs[0]], self.blobs[self.outputs[0]]
        if self.outputs[0] in top_diffs:
            top.diff[...] = top_diffs[self.outputs[0]]
        bottom.diff.flat = self.matrix.T @ top.diff.ravel()
        if self.gradient is not None:
            bottom.diff[...] = self.gradient
        return {self.inputs[0]: bottom.diff}


class LinearTarget:
    """A `LinearNet` for the batch loop, as any callable may be a target."""

    def __init__(self, net):
        self.size, self.name = net.blobs[net.inputs[0]].data.shape[2:], net.outputs[0]
        self.matrix = torch.from_numpy(net.matrix)

    def __call__(self, images, layers):
        return {layer: images.flatten(1) @ self.matrix.T for layer in layers}

    def layers(self):
        return [self.name]

    def layer_shape(self, layer):
        return (len(self.matrix),)

    def to(self, device):
        return None


class LinearPrior:
    """A `LinearNet` as a prior."""

    def __init__(self, net):
        self.code_shape = net.blobs[net.inputs[0]].data.shape[1:]
        self.image_size = net.blobs[net.outputs[0]].data.shape[2:]
        self.matrix = torch.from_numpy(net.matrix)

    def __call__(self, codes):
        return (codes.flatten(1) @ self.matrix.T).view(len(codes), 3, *self.image_size)

    def to(self, device):
        return None


@pytest.fixture
def linear_target():
    """3x2x2 images to 4 units of layer fc8."""
    matrix = np.random.RandomState(1).standard_normal((4, 12))
    return LinearNet("fc8", "data", matrix, (1, 3, 2, 2), (1, 4))


@pytest.fixture
def linear_generator():
    """Codes of 5 to 3x4x4 images; feat to deconv0."""
    matrix = np.random.RandomState(2).standard_normal((48, 5))
    return LinearNet("deconv0", "feat", matrix, (1, 5), (1, 3, 4, 4))


@pytest.fixture
def as_batch():
    """From linear nets to the target and prior of the batch loop."""
    return lambda target, generator: (LinearTarget(target), LinearPrior(generator))


@pytest.fixture(scope="session")
def tiny_modules():
    """The tiny target and generator as torch modules."""
    return CaffeModule(parse_net(TARGET), seed=3), CaffeModule(parse_net(GENERATOR), seed=4)


@pytest.fixture(scope="session")
def tiny_nets(tiny_modules):
    """The same two, with the same weights, as eager nets."""
    nets = Net(parse_net(TARGET), pb.TEST), Net(parse_net(GENERATOR), pb.TEST)
    for net, module in zip(nets, tiny_modules, strict=True):
        for layer, arrays in module.weights().items():
            for blob, array in zip(net.params[layer], arrays, strict=True):
                blob.data[...] = array
    return nets
