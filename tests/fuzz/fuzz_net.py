"""Nets built from text, and run forward and backward where they are small."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from dgnam.caffe import TEST, TRAIN, Net
from dgnam.errors import CaffeError

FILE = "hostile.prototxt"

_SMALL = 200_000
"""Numbers in all blobs and parameters of a net that is run."""

INPUT = 'layer { name: "d" type: "Input" top: "d" input_param { shape { dim: 2 dim: 4 dim: 6 dim: 6 } } }\n'
LABEL = 'layer { name: "y" type: "Input" top: "y" input_param { shape { dim: 2 } } }\n'
LAYERS = (
    'type: "Convolution" convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 group: 2 dilation: 1 '
    'weight_filler { type: "gaussian" std: 0.1 sparse: 3 } bias_filler { type: "constant" value: 1 } }',
    'type: "Convolution" convolution_param { num_output: 2 kernel_h: 3 kernel_w: 2 pad_h: 1 pad_w: 0 axis: 1 }',
    'type: "Deconvolution" convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 group: 4 '
    'weight_filler { type: "bilinear" } }',
    'type: "Pooling" pooling_param { pool: MAX kernel_size: 3 stride: 2 pad: 1 }',
    'type: "Pooling" pooling_param { pool: AVE kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 round_mode: FLOOR }',
    'type: "Pooling" pooling_param { pool: AVE global_pooling: true }',
    'type: "InnerProduct" inner_product_param { num_output: 3 axis: 1 transpose: true weight_filler { type: "msra" } }',
    'type: "LRN" lrn_param { local_size: 5 alpha: 1 beta: 0.75 k: 1 }',
    'type: "LRN" lrn_param { local_size: 3 norm_region: WITHIN_CHANNEL }',
    'type: "Reshape" reshape_param { shape { dim: 0 dim: -1 dim: 2 } axis: 0 num_axes: -1 }',
    'type: "Flatten" flatten_param { axis: 1 end_axis: -1 }',
    'type: "Tile" tile_param { axis: 1 tiles: 3 }',
    'type: "Im2col" convolution_param { kernel_size: 2 stride: 1 }',
    'type: "SPP" spp_param { pyramid_height: 2 pool: MAX }',
    'type: "Reduction" reduction_param { operation: MEAN axis: 1 coeff: 2 }',
    'type: "ArgMax" argmax_param { out_max_val: true top_k: 2 axis: 1 }',
    'type: "BatchNorm" batch_norm_param { use_global_stats: false eps: 1e-5 }',
    'type: "Scale" scale_param { axis: 1 num_axes: 1 bias_term: true }',
    'type: "Bias" bias_param { axis: 1 num_axes: 2 filler { type: "uniform" min: -1 max: 1 } }',
    'type: "PReLU" prelu_param { channel_shared: false }',
    'type: "Power" power_param { power: 2 scale: 0.5 shift: 1 }',
    'type: "Dropout" dropout_param { dropout_ratio: 0.5 }',
    'type: "MVN" mvn_param { normalize_variance: true across_channels: false }',
    'type: "Softmax" softmax_param { axis: 1 }',
    'type: "Exp" exp_param { base: 2 scale: 1 shift: 0 }',
    'type: "Log" log_param { base: 10 }',
    'type: "Slice" slice_param { axis: 1 slice_point: 2 } top: "s"',
    'type: "Split" top: "s" top: "u"',
    'type: "Embed" embed_param { input_dim: 10 num_output: 3 }',
    'type: "Eltwise" bottom: "d" eltwise_param { operation: SUM coeff: 1 coeff: -1 }',
    'type: "Concat" bottom: "d" concat_param { axis: 1 }',
    'type: "Crop" bottom: "d" crop_param { axis: 2 offset: 0 }',
    'type: "Filter" bottom: "y"',
    'type: "BatchReindex" bottom: "y"',
    'type: "Accuracy" bottom: "y" accuracy_param { top_k: 1 axis: 1 ignore_label: 0 }',
    'type: "SoftmaxWithLoss" bottom: "y" loss_param { normalization: VALID ignore_label: 1 } loss_weight: 2',
    'type: "InfogainLoss" bottom: "y" infogain_loss_param { source: "h.binaryproto" axis: 1 }',
    'type: "HingeLoss" bottom: "y" hinge_loss_param { norm: L2 }',
    'type: "EuclideanLoss" bottom: "d"',
    'type: "ContrastiveLoss" bottom: "d" bottom: "y" contrastive_loss_param { margin: 1 }',
    'type: "LSTM" bottom: "y" recurrent_param { num_output: 2 expose_hidden: false }',
    'type: "RNN" bottom: "y" recurrent_param { num_output: 2 }',
)


def seeds() -> list[bytes]:
    nets = [INPUT + LABEL + f'layer {{ name: "x" bottom: "d" top: "x" {layer} }}\n' for layer in LAYERS]
    return [net.encode() for net in nets]


def read(path: Path) -> None:
    nets = [Net(path, TEST), Net(path, TRAIN)]
    for net in nets:
        blobs = [*net.blobs.values(), *net.learnable_params]
        if sum(blob.count for blob in blobs) < _SMALL:
            with suppress(CaffeError):  # which names the layer
                net.forward()
                net.backward()
