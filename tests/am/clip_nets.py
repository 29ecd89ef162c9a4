"""Nets that see clips of 4 frames of 8x6: one with markers of the first frame as an input, and others."""

import torch

from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net

FRAMES = 4
BODY = """
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 5 kernel_size: 3 weight_filler { type: "msra" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "fc6" type: "InnerProduct" bottom: "conv1" top: "fc6"
  inner_product_param { num_output: 7 weight_filler { type: "msra" } } }
layer { name: "frames" type: "Reshape" bottom: "fc6" top: "frames"
  reshape_param { shape { dim: 4 dim: %s } num_axes: 1 } }
layer { name: "lstm" type: "LSTM" bottom: "frames" bottom: "cont" top: "lstm"
  recurrent_param { num_output: 6 weight_filler { type: "uniform" min: -1 max: 1 } } }
layer { name: "scores" type: "InnerProduct" bottom: "lstm" top: "scores"
  inner_product_param { num_output: 3 axis: 2 weight_filler { type: "msra" } } }
"""
INPUTS = """
name: "clips"
layer { name: "data" type: "Input" top: "data" top: "cont"
  input_param { shape { dim: 4 dim: 3 dim: 8 dim: 6 } shape { dim: 4 dim: 1 } } }
"""
# The mean over frames is that of a convolution's windows, as in action-lstm-motion-mini.
SCORES = """
layer { name: "beside" type: "Reshape" bottom: "scores" top: "beside"
  reshape_param { shape { dim: 1 dim: 1 dim: 4 dim: -1 } } }
layer { name: "mean" type: "Pooling" bottom: "beside" top: "mean"
  pooling_param { pool: AVE kernel_h: 4 kernel_w: 1 stride: 1 } }
layer { name: "fc8" type: "Reshape" bottom: "mean" top: "fc8" reshape_param { shape { dim: -1 dim: 3 } } }
"""
TEXT = INPUTS + BODY % "-1" + SCORES
FIXED = INPUTS.replace("dim: 4 dim: 3", "dim: 8 dim: 3").replace("dim: 4 dim: 1", "dim: 4 dim: 2")
FIXED = FIXED + BODY % "2" + SCORES


def clip_net(text=TEXT, seed=3):
    """A net of clips with random weights."""
    return CaffeModule(parse_net(text), seed=seed)


def by_hand(module, clips, layer):
    """The first top of a layer for clips (N, 4, 3, 8, 6), each in a pass of its own."""
    rows = []
    for clip in clips:
        markers = torch.tensor([0.0, 1, 1, 1]).view(4, 1)
        rows.append(module.values_at([layer], clip, markers)[layer])
    return rows
