"""What the solver tests share: a small net with labels, and solvers of it that are fed as they go."""

from __future__ import annotations

import numpy as np

import dgnam.caffe as caffe
from dgnam.caffe.proto import parse_net, parse_solver

NET = """
name: "toy"
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 2 dim: 5 dim: 5 } } }
layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
  param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "t" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "t" top: "accuracy" include { phase: TEST } }
"""

KINDS = {
    "SGD": "base_lr: 0.1 momentum: 0.9 weight_decay: 0.005",
    "Nesterov": "base_lr: 0.1 momentum: 0.9",
    "AdaGrad": "base_lr: 0.05",
    "RMSProp": "base_lr: 0.01 rms_decay: 0.9",
    "AdaDelta": "base_lr: 1 momentum: 0.95 delta: 1e-6",
    "Adam": "base_lr: 0.01 momentum: 0.9",
}
"""Settings for each type of solver."""


def feed(net: caffe.Net, iteration: int) -> None:
    """Give the net the batch of this iteration."""
    draw = np.random.default_rng(iteration)
    net.blobs["x"].data[...] = draw.standard_normal(net.blobs["x"].shape)
    net.blobs["t"].data[...] = draw.integers(0, 3, net.blobs["t"].shape)


def made(text: str, net: str = NET) -> caffe.Solver:
    """The solver that `text` defines, of `net`, and not yet fed."""
    param = parse_solver(text, "test")
    if not any(param.HasField(field) for field in ("net", "train_net", "train_net_param")):
        param.net_param.CopyFrom(parse_net(net, "test"))
    return caffe.get_solver(param, source="test")


def fed(text: str, net: str = NET) -> caffe.Solver:
    """The same, fed with the batch of each iteration before its passes."""
    solver = made(text, net)
    solver.add_callback(lambda: feed(solver.net, solver.iter), lambda: None)
    return solver


def values(net: caffe.Net) -> list[np.ndarray]:
    """Copies of all its parameters."""
    return [blob.data.copy() for blob in net.learnable_params]


def equal(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    """Whether two lists of arrays hold the same numbers."""
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
