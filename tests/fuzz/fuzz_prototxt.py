"""Nets as text: parsed, upgraded, and written back."""

from __future__ import annotations

from pathlib import Path

from dgnam.caffe.proto import read_net, to_text

FILE = "hostile.prototxt"

V2 = """name: "n"  # a comment
layer { name: 'd' type: "Input" top: "d" input_param { shape: { dim: 1 dim: 2 dim: 8 dim: 8 } } }
layer { name: "c" type: "Convolution" bottom: "d" top: "c" param { name: "w" lr_mult: 1 decay_mult: 0 }
  convolution_param < num_output: 4, kernel_size: 3; stride: 1 pad: 1 group: 2 weight_filler { type: "xavier" } > }
layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "l" type: "SoftmaxWithLoss" bottom: "p" bottom: "d" top: "l" include { phase: TRAIN stage: "a" }
  loss_weight: 0.5 propagate_down: [true, false] }
"""
V1 = """input: "d" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layers { name: "c" type: CONVOLUTION bottom: "d" top: "c" blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0
  convolution_param { num_output: 2 kernel_size: 3 } }
layers { name: "i" type: IMAGE_DATA top: "x" top: "y" image_data_param { source: "s" mean_file: "m" crop_size: 4 } }
"""
V0 = """input: "d" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }
layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "d" top: "q" }
layers { layer { name: "c" type: "conv" num_output: 2 kernelsize: 3 group: 1 stride: 2 blobs_lr: 1
  weight_filler { type: "gaussian" std: 0.01 } } bottom: "q" top: "c" }
layers { layer { name: "f" type: "innerproduct" num_output: 2 biasterm: false scale: 2 } bottom: "c" top: "f" }
"""


def seeds() -> list[bytes]:
    return [text.encode() for text in (V2, V1, V0)]


def read(path: Path) -> None:
    to_text(read_net(path))
