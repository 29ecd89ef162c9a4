"""Small nets on disk, as a user has them, and what is opened of them."""

import numpy as np
import pytest

from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, write_hdf5_weights

TARGET = """
name: "tiny-target"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 28 dim: 28 } } }
layer { name: "conv5" type: "Convolution" bottom: "data" top: "conv5"
  convolution_param { num_output: 6 kernel_size: 5 stride: 4 weight_filler { type: "msra" } } }
layer { name: "relu5" type: "ReLU" bottom: "conv5" top: "conv5" }
layer { name: "fc8" type: "InnerProduct" bottom: "conv5" top: "fc8"
  inner_product_param { num_output: 10 weight_filler { type: "msra" } } }
layer { name: "prob" type: "Softmax" bottom: "fc8" top: "prob" }
"""
GENERATOR = """
name: "tiny-generator"
layer { name: "feat" type: "Input" top: "feat" input_param { shape { dim: 1 dim: 12 } } }
layer { name: "defc5" type: "InnerProduct" bottom: "feat" top: "defc5"
  inner_product_param { num_output: 128 weight_filler { type: "msra" } } }
layer { name: "relu_defc5" type: "ReLU" bottom: "defc5" top: "defc5" relu_param { negative_slope: 0.3 } }
layer { name: "reshape" type: "Reshape" bottom: "defc5" top: "reshape_defc5"
  reshape_param { shape { dim: 1 dim: 8 dim: 4 dim: 4 } } }
layer { name: "deconv0" type: "Deconvolution" bottom: "reshape_defc5" top: "deconv0"
  convolution_param { num_output: 3 kernel_size: 8 stride: 8 weight_filler { type: "gaussian" std: 3 } } }
"""


@pytest.fixture(scope="session")
def tiny_nets(tmp_path_factory):
    """The folder of target.prototxt, target.h5, generator.prototxt, generator.h5 and classes.txt."""
    folder = tmp_path_factory.mktemp("nets")
    for name, text in (("target", TARGET), ("generator", GENERATOR)):
        (folder / f"{name}.prototxt").write_text(text)
        write_hdf5_weights(folder / f"{name}.h5", CaffeModule(parse_net(text), seed=1).weights())
    names = ["tench", "great white shark, man-eater", "cock", "hen", *(f"class {k}" for k in range(4, 10))]
    (folder / "classes.txt").write_text("\n".join(names) + "\n")
    return folder


@pytest.fixture
def options(tiny_nets):
    """The tiny nets as a command names them."""
    return [
        *(
            str(tiny_nets / "target.prototxt"),
            "--weights",
            str(tiny_nets / "target.h5"),
            "--labels",
            str(tiny_nets / "classes.txt"),
        ),
        *("--prior", str(tiny_nets / "generator.prototxt"), "--prior-weights", str(tiny_nets / "generator.h5")),
    ]


@pytest.fixture
def upper():
    """An act_range for the tiny generator."""
    return np.linspace(1, 8, 12, dtype=np.float32)
