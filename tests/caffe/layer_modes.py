"""Small nets that go through the modes of every layer type, for real Caffe and for us, and nets that both refuse.

What real Caffe made of them is recorded in `tests/golden/layer_modes.h5`, by `record_layer_modes.py`; where it can be
imported, `test_real_caffe.py` runs both.
"""

from __future__ import annotations

from typing import Any

from tests.caffe.layer_case import TEST, TRAIN, Case, Input, given, halves, normal, positive, share, whole, wide

IMAGE = (2, 3, 4, 5)
CASES: dict[str, Case] = {}
REFUSED: dict[str, tuple[str, Case]] = {}
"""For each refused net also what our error says."""


def add(name: str, layer_type: str, options: str = "", tops: int = 1, **more: Any) -> None:
    """Add a case; what isn't an option of `Case` is an input."""
    own = {key: more.pop(key) for key in ("in_place", "phase", "force", "passes") if key in more}
    CASES[name] = Case(layer_type, options, more, tops, **own)


def add_net(name: str, net: str, **more: Any) -> None:
    own = {key: more.pop(key) for key in ("phase", "force", "passes") if key in more}
    CASES[name] = Case(inputs=more, net=net, **own)


def refuse(name: str, message: str, layer_type: str, options: str = "", tops: int = 1, **more: Any) -> None:
    own = {key: more.pop(key) for key in ("in_place", "phase", "force", "passes") if key in more}
    REFUSED[name] = message, Case(layer_type, options, more, tops, **own)


# fmt: off
# Elementwise layers.
for _name, _options, _input in [
    ("BNLL", "", wide), ("Clip", "clip_param { min: -0.5 max: 1 }", halves), ("ELU", "", halves),
    ("Dropout", "dropout_param { dropout_ratio: 0.3 }", normal),
    ("Exp", "exp_param { base: 2 scale: -0.5 shift: 1.5 }", normal), ("Log", "log_param { base: 3 }", positive),
    ("Power", "power_param { power: -0.75 scale: 2 shift: 0.5 }", positive), ("ReLU", "", halves),
    ("Sigmoid", "", wide), ("Swish", "swish_param { beta: 1.7 }", normal), ("TanH", "", wide),
]:
    add(_name, _name, _options, x=_input(*IMAGE))
    add(f"{_name}_in_place", _name, _options, x=_input(*IMAGE), in_place=True)
add("AbsVal", "AbsVal", x=halves(*IMAGE))
add("Threshold", "Threshold", "threshold_param { threshold: 0.5 }", x=halves(*IMAGE), force=False)
add("Clip_crossed", "Clip", "clip_param { min: 1 max: -0.5 }", x=halves(*IMAGE))
add("ELU_alpha", "ELU", "elu_param { alpha: -0.6 }", x=halves(*IMAGE), in_place=True)
add("Exp_plain", "Exp", x=normal(6))
add("Exp_e_shift", "Exp", "exp_param { shift: -2 }", x=normal(3, 2), in_place=True)
add("Log_plain", "Log", x=positive(6), in_place=True)
add("Log_e", "Log", "log_param { scale: 2 shift: 1 }", x=positive(3, 2))
add("ReLU_slope", "ReLU", "relu_param { negative_slope: 0.3 }", x=halves(*IMAGE), in_place=True)
add("ReLU_negative_slope", "ReLU", "relu_param { negative_slope: -0.3 }", x=halves(*IMAGE))
add("Dropout_of_any_ratio", "Dropout", "dropout_param { dropout_ratio: 1.5 }", x=normal(2, 3), in_place=True)
for _power, _scale, _shift in [
    (1, 1, 0), (1, 2, 0.5), (0, 2, 0.5), (2, -1, 0.5), (2, 0, 0.5), (0.5, 2, 0), (3, 1, 0), (-1, 1, 0), (2, 1, 0),
]:
    _options = f"power_param {{ power: {_power} scale: {_scale} shift: {_shift} }}"
    _draw = positive if _power not in (1, 2) else normal
    add(f"Power_{_power}_{_scale}_{_shift}", "Power", _options, x=_draw(2, 3, 2))
    add(f"Power_{_power}_{_scale}_{_shift}_in_place", "Power", _options, x=_draw(2, 3, 2), in_place=True)
for _shared in ("false", "true"):
    _options = f"prelu_param {{ channel_shared: {_shared} }}"
    add(f"PReLU_{_shared}", "PReLU", _options, x=halves(*IMAGE), passes=2)
    add(f"PReLU_{_shared}_in_place", "PReLU", _options, x=halves(2, 3), in_place=True)

# Scores and labels.
add("Accuracy_ties_top2_by_class", "Accuracy", "accuracy_param { top_k: 2 }", 2, x=halves(8, 4), t=whole(4, 8),
    force=False)
add("Accuracy_axis0_ignored", "Accuracy", "accuracy_param { axis: 0 ignore_label: 1 }", 2, x=halves(3, 4, 2),
    t=whole(3, 4, 2), force=False)
add("Accuracy_last_axis", "Accuracy", "accuracy_param { axis: -1 }", x=normal(2, 4, 3), t=whole(3, 2, 4), force=False)
add("Accuracy_top0", "Accuracy", "accuracy_param { top_k: 0 }", x=normal(4, 3), t=whole(3, 4), force=False)
add("Accuracy_of_nothing", "Accuracy", "accuracy_param { ignore_label: 0 }", 2, x=normal(4, 3), t=whole(1, 4),
    force=False)
add("ArgMax_1_axis", "ArgMax", x=normal(4), force=False)
add("ArgMax_top3", "ArgMax", "argmax_param { top_k: 3 }", x=halves(*IMAGE), force=False)
add("ArgMax_values", "ArgMax", "argmax_param { out_max_val: true top_k: 2 }", x=halves(2, 3, 4), force=False)
add("ArgMax_axis", "ArgMax", "argmax_param { top_k: 2 axis: -2 }", x=halves(*IMAGE), force=False)
add("ArgMax_axis_values", "ArgMax", "argmax_param { top_k: 2 axis: 1 out_max_val: true }", x=halves(2, 3, 4),
    force=False)
for _mode in ("FULL", "VALID", "BATCH_SIZE", "NONE"):
    _options = f"loss_param {{ normalization: {_mode} ignore_label: 1 }}"
    add(f"SoftmaxWithLoss_{_mode}", "SoftmaxWithLoss", _options, x=normal(3, 4, 2), t=whole(4, 3, 2))
    add(f"InfogainLoss_{_mode}", "InfogainLoss", _options, x=normal(3, 4, 2), t=whole(4, 3, 2), H=normal(4, 4),
        force=False)
    add(f"SigmoidCrossEntropyLoss_{_mode}", "SigmoidCrossEntropyLoss", _options, x=wide(3, 4), t=whole(2, 3, 4))
for _legacy in ("false", "true"):
    _options = f"loss_param {{ normalize: {_legacy} }}"
    add(f"SoftmaxWithLoss_normalize_{_legacy}", "SoftmaxWithLoss", _options, x=normal(3, 4, 2), t=whole(4, 3, 2))
    add(f"SigmoidCrossEntropyLoss_normalize_{_legacy}", "SigmoidCrossEntropyLoss", _options, x=normal(3, 4),
        t=share(3, 4))
add("SoftmaxWithLoss_both_normalizations", "SoftmaxWithLoss", "loss_param { normalize: false normalization: FULL }",
    x=normal(3, 4, 2), t=whole(4, 3, 2))
add("SoftmaxWithLoss_axis", "SoftmaxWithLoss", "softmax_param { axis: -1 } loss_weight: 2.5", x=wide(3, 2, 4),
    t=whole(4, 3, 2))
add("SoftmaxWithLoss_all_ignored", "SoftmaxWithLoss", "loss_param { ignore_label: 0 }", x=normal(3, 4), t=whole(1, 3))
add("SoftmaxWithLoss_no_top", "SoftmaxWithLoss", "", 0, x=normal(3, 4), t=whole(4, 3))
add("SigmoidCrossEntropyLoss_small", "SigmoidCrossEntropyLoss", x=Input((2, 3), lambda r: 8 + r.rand(2, 3)),
    t=given([1.0] * 6, 2, 3))
add("SigmoidCrossEntropyLoss_fractions", "SigmoidCrossEntropyLoss", "loss_param { ignore_label: 0 }", x=normal(3, 4),
    t=Input((3, 4), lambda r: 3 * r.rand(3, 4) - 1))
add("MultinomialLogisticLoss", "MultinomialLogisticLoss", "loss_weight: 0.5", x=share(4, 3), t=whole(3, 4, 1))
add("MultinomialLogisticLoss_0", "MultinomialLogisticLoss", x=given([0, 1, 0.5, 0.5], 2, 2), t=given([0, 1], 2))
for _norm in ("L1", "L2"):
    add(f"HingeLoss_{_norm}", "HingeLoss", f"hinge_loss_param {{ norm: {_norm} }}", x=halves(4, 3, 2), t=whole(6, 4))
add("HingeLoss_no_gradient", "HingeLoss", x=normal(4, 3), t=whole(3, 4), force=False)
add("EuclideanLoss", "EuclideanLoss", "loss_weight: 3", x=normal(4, 3, 2), t=normal(4, 6))
for _legacy in ("false", "true"):
    add(f"ContrastiveLoss_{_legacy}", "ContrastiveLoss",
        f"contrastive_loss_param {{ margin: 2 legacy_version: {_legacy} }}", a=halves(6, 3), b=halves(6, 3, 1, 1),
        s=whole(2, 6, 1, 1, 1))
add("InfogainLoss_axis", "InfogainLoss", "infogain_loss_param { axis: -2 }", x=normal(3, 4, 2), t=whole(4, 3, 1, 2),
    H=share(1, 1, 4, 4), force=False)
add("InfogainLoss_probabilities", "InfogainLoss", "loss_weight: 1 loss_weight: 0", 2, x=normal(3, 4), t=whole(4, 3),
    H=normal(16), force=False)
for _axis in (0, 1, -1):
    _options = f"softmax_param {{ axis: {_axis} }}"
    add(f"Softmax_{_axis}", "Softmax", _options, x=wide(2, 3, 4))
    add(f"Softmax_{_axis}_in_place", "Softmax", _options, x=normal(2, 3, 4), in_place=True)

# Normalization.
for _phase, _name in ((TRAIN, "train"), (TEST, "test")):
    add(f"BatchNorm_{_name}", "BatchNorm", x=normal(4, 3, 5), phase=_phase, passes=2)
    add(f"BatchNorm_{_name}_in_place", "BatchNorm", "batch_norm_param { eps: 0.1 }", x=normal(*IMAGE), phase=_phase,
        in_place=True)
    for _global in ("false", "true"):
        add(f"BatchNorm_{_name}_global_{_global}", "BatchNorm",
            f"batch_norm_param {{ use_global_stats: {_global} moving_average_fraction: 0.7 }}", x=wide(6, 3),
            phase=_phase)
add("BatchNorm_one_value", "BatchNorm", x=normal(1, 3), phase=TRAIN)
add("BatchNorm_far_from_0", "BatchNorm", x=Input((4, 3, 2), lambda r: 100 + r.randn(4, 3, 2)), phase=TRAIN)
add("BatchNorm_unwanted", "BatchNorm", "loss_weight: 1 propagate_down: false", x=normal(4, 3), force=False)
for _across in ("false", "true"):
    for _variance in ("false", "true"):
        _options = f"mvn_param {{ across_channels: {_across} normalize_variance: {_variance} eps: 0.01 }}"
        add(f"MVN_{_across}_{_variance}", "MVN", _options, x=normal(*IMAGE))
        add(f"MVN_{_across}_{_variance}_in_place", "MVN", _options, x=normal(*IMAGE), in_place=True)
add("MVN_2_axes", "MVN", "mvn_param { across_channels: true }", x=normal(2, 3), in_place=True)
for _region in ("ACROSS_CHANNELS", "WITHIN_CHANNEL"):
    for _size in (1, 3, 7):
        _options = f"lrn_param {{ norm_region: {_region} local_size: {_size} alpha: 2 beta: 0.6 k: 1.5 }}"
        add(f"LRN_{_region}_{_size}", "LRN", _options, x=normal(2, 5, 4, 3))
    add(f"LRN_{_region}_in_place", "LRN", f"lrn_param {{ norm_region: {_region} alpha: 2 }}", x=normal(2, 5, 4, 3),
        in_place=True)

# Convolutions.
for _type in ("Convolution", "Deconvolution"):
    for _name, _options, _shape in [
        ("0d", "num_output: 3", (2, 4)),
        ("1d", "num_output: 3 kernel_size: 3 stride: 2 pad: 1 dilation: 2", (2, 2, 9)),
        ("3d", "num_output: 2 kernel_size: 2 stride: 2 stride: 1 stride: 1 pad: 1", (2, 2, 4, 3, 5)),
        ("4d", "num_output: 2 kernel_size: 2 stride: 2 bias_term: false", (1, 2, 3, 2, 3, 2)),
        ("axis0", "num_output: 3 kernel_size: 3 axis: 0", (2, 5, 4)),
        ("axis2", "num_output: 4 kernel_h: 2 kernel_w: 3 axis: -3 group: 2", (2, 2, 2, 4, 5)),
        ("uneven", "num_output: 2 kernel_h: 3 kernel_w: 1 stride_h: 2 stride_w: 3 pad_h: 2 pad_w: 0", (2, 3, 5, 7)),
        ("one_pad", "num_output: 2 kernel_size: 3 pad_w: 2", (1, 3, 5, 4)),
        ("groups", "num_output: 6 kernel_size: 2 group: 3 dilation: 2 dilation: 1", (2, 3, 4, 5)),
        ("force_nd", "num_output: 2 kernel_size: 3 pad: 1 force_nd_im2col: true", (2, 3, 4, 5)),
        ("dilation0", "num_output: 2 kernel_size: 3 dilation: 0", (1, 2, 3, 4)),
    ]:
        add(f"{_type}_{_name}", _type, f"convolution_param {{ {_options} }}", x=normal(*_shape), passes=2)
    add(f"{_type}_two_bottoms", _type, "convolution_param { num_output: 2 kernel_size: 2 }", 2, a=normal(2, 3, 4, 5),
        b=normal(2, 3, 4, 5))
    add(f"{_type}_frozen", _type,
        "param { lr_mult: 0 } convolution_param { num_output: 2 kernel_size: 2 } loss_weight: 1", x=normal(2, 3, 4, 5),
        force=False)
add("Convolution_beyond_the_image", "Convolution", "convolution_param { num_output: 2 kernel_size: 3 stride: 2 }",
    x=normal(1, 2, 2, 5))
for _name, _options, _shape in [
    ("2d", "kernel_size: 3 stride: 2 pad: 1 dilation: 2", (2, 3, 6, 7)), ("1d", "kernel_size: 2", (2, 3, 6)),
    ("3d", "kernel_size: 2 pad: 1 force_nd_im2col: true", (1, 2, 3, 2, 3)),
    ("axis", "kernel_size: 2 axis: 2", (2, 2, 3, 4)), ("beyond", "kernel_size: 4 stride: 3", (1, 2, 3, 5)),
]:
    add(f"Im2col_{_name}", "Im2col", f"convolution_param {{ {_options} }}", x=normal(*_shape))

# Pooling.
for _pool in ("MAX", "AVE"):
    for _name, _options, _shape in [
        ("ceil", "kernel_size: 3 stride: 2", (2, 2, 6, 7)),
        ("floor", "kernel_size: 3 stride: 2 round_mode: FLOOR", (2, 2, 6, 7)),
        ("clipped", "kernel_size: 3 stride: 2 pad: 2", (1, 2, 5, 6)),
        ("uneven", "kernel_h: 2 kernel_w: 3 stride_h: 3 stride_w: 1 pad_h: 0 pad_w: 2", (1, 2, 7, 5)),
        ("pad_of_kernel", "kernel_size: 4 stride: 3 pad: 3", (1, 2, 5, 6)),
        ("both_sizes", "kernel_size: 2 kernel_h: 3", (1, 2, 4, 4)),
        ("larger_than_image", "kernel_size: 5 stride: 4", (1, 2, 3, 4)),
        ("global", "global_pooling: true", (2, 3, 3, 5)),
    ]:
        add(f"Pooling_{_pool}_{_name}", "Pooling", f"pooling_param {{ pool: {_pool} {_options} }}", x=halves(*_shape))
    for _height in (1, 2, 3):
        add(f"SPP_{_pool}_{_height}", "SPP", f"spp_param {{ pool: {_pool} pyramid_height: {_height} }}",
            x=halves(2, 2, 9, 7))
for _name, _options in [("ceil", "kernel_size: 3 stride: 2"), ("clipped", "kernel_size: 3 stride: 2 pad: 2")]:
    add(f"Pooling_mask_{_name}", "Pooling", f"pooling_param {{ pool: MAX {_options} }}", 2, x=halves(2, 2, 5, 6))

# Sums and products.
for _operation in ("PROD", "SUM", "MAX"):
    _options = f"eltwise_param {{ operation: {_operation} }}"
    add(f"Eltwise_{_operation}", "Eltwise", _options, a=halves(2, 3), b=halves(2, 3), c=halves(2, 3))
    add(f"Eltwise_{_operation}_in_place", "Eltwise", _options, a=normal(2, 3), b=normal(2, 3), c=normal(2, 3),
        in_place=True)
for _stable in ("false", "true"):
    add(f"Eltwise_PROD_{_stable}", "Eltwise", f"eltwise_param {{ operation: PROD stable_prod_grad: {_stable} }}",
        a=positive(2, 3), b=positive(2, 3))
    add(f"Eltwise_PROD_{_stable}_in_place", "Eltwise",
        f"eltwise_param {{ operation: PROD stable_prod_grad: {_stable} }}", a=positive(2, 3), b=positive(2, 3),
        in_place=True)
add("Eltwise_coefficients", "Eltwise", "eltwise_param { coeff: 2 coeff: -0.5 }", a=normal(2, 3), b=normal(2, 3))
add("Eltwise_coefficients_in_place", "Eltwise", "eltwise_param { coeff: 2 coeff: -0.5 }", a=normal(2, 3),
    b=normal(2, 3), in_place=True)
add("Eltwise_one_wanted", "Eltwise", "propagate_down: true propagate_down: false loss_weight: 1", a=normal(2, 3),
    b=normal(2, 3), force=False)
for _type, _message in (("Scale", "scale_param"), ("Bias", "bias_param")):
    for _name, _options, _shape in [
        ("all", "axis: 0 num_axes: -1", IMAGE), ("scalar", "axis: 2 num_axes: 0", IMAGE),
        ("first", "axis: 0 num_axes: 1", IMAGE), ("middle", "axis: 1 num_axes: 2", IMAGE),
        ("last", "axis: -1", IMAGE), ("one_item", "axis: 1", (1, 3, 4)), ("one_axis", "axis: 0", (4,)),
    ]:
        add(f"{_type}_{_name}", _type, f"{_message} {{ {_options} }}", x=normal(*_shape), passes=2)
        add(f"{_type}_{_name}_in_place", _type, f"{_message} {{ {_options} }}", x=normal(*_shape), in_place=True)
    for _name, _options, _shape in [
        ("two", "axis: 1", (3, 4)), ("two_scalar", "axis: 1", ()), ("two_alike", "axis: 0", IMAGE),
        ("two_last", "axis: -2", (4, 5)),
    ]:
        add(f"{_type}_{_name}", _type, f"{_message} {{ {_options} }}", x=normal(*IMAGE), f=normal(*_shape))
        add(f"{_type}_{_name}_in_place", _type, f"{_message} {{ {_options} }}", x=normal(*IMAGE), f=normal(*_shape),
            in_place=True)
add("Scale_bias", "Scale", "scale_param { bias_term: true }", x=normal(*IMAGE), passes=2)
add("Scale_bias_in_place", "Scale", "scale_param { bias_term: true axis: 0 }", x=normal(3), in_place=True)
add("Scale_two_bias", "Scale", "scale_param { bias_term: true axis: 0 }", x=normal(*IMAGE), f=normal(2, 3))
add("Scale_unwanted", "Scale", "loss_weight: 1", x=normal(*IMAGE), force=False)
for _operation in ("SUM", "ASUM", "SUMSQ", "MEAN"):
    for _axis in (0, 1, -1):
        add(f"Reduction_{_operation}_{_axis}", "Reduction",
            f"reduction_param {{ operation: {_operation} axis: {_axis} coeff: -1.5 }}", x=halves(2, 3, 4))
for _axis in (0, 1, 2, -1):
    for _transpose in ("false", "true"):
        add(f"InnerProduct_{_axis}_{_transpose}", "InnerProduct",
            f"inner_product_param {{ num_output: 4 axis: {_axis} transpose: {_transpose} }}", x=normal(2, 3, 4),
            passes=2)
add("InnerProduct_no_bias", "InnerProduct", "inner_product_param { num_output: 1 bias_term: false }", x=normal(3, 2))
add("Embed", "Embed", "embed_param { num_output: 3 input_dim: 5 } loss_weight: 1", i=whole(5, 4, 2), force=False,
    passes=2)
add("Embed_no_bias", "Embed", "embed_param { num_output: 3 input_dim: 5 bias_term: false } loss_weight: 1",
    i=given([4.7],), force=False)

# Shapes.
for _axis in (0, 1, -1):
    add(f"Concat_{_axis}", "Concat", f"concat_param {{ axis: {_axis} }}", a=normal(2, 3, 4), b=normal(2, 3, 4))
    add(f"Tile_{_axis}", "Tile", f"tile_param {{ axis: {_axis} tiles: 3 }}", x=normal(2, 3, 4))
    add(f"Slice_{_axis}", "Slice", f"slice_param {{ axis: {_axis} }}", 2, x=normal(4, 6, 2))
add("Concat_dim", "Concat", "concat_param { concat_dim: 2 }", a=normal(2, 3, 4), b=normal(2, 3, 1))
add("Concat_one", "Concat", a=normal(2, 3), force=False)
add("Concat_one_wanted", "Concat", "propagate_down: false propagate_down: true loss_weight: 1", a=normal(2, 3),
    b=normal(2, 3), force=False)
add("Slice_points", "Slice", "slice_param { slice_point: 1 slice_point: 4 }", 3, x=normal(2, 6, 3))
add("Slice_dim", "Slice", "slice_param { slice_dim: 0 slice_point: 3 }", 2, x=normal(4, 2))
add("Slice_one", "Slice", x=normal(4, 2), force=False)
for _name, _options in [
    ("plain", ""), ("all", "axis: 0"), ("negative", "axis: -3 end_axis: -2"), ("one", "axis: 2 end_axis: 2"),
    ("inserted", "axis: 2 end_axis: 1"),
]:
    add(f"Flatten_{_name}", "Flatten", f"flatten_param {{ {_options} }}", x=normal(*IMAGE))
add("Flatten_unreached", "Flatten", x=normal(2, 3, 4), force=False)
add("Reshape_unreached", "Reshape", "reshape_param { shape { dim: -1 } }", x=normal(2, 3, 4), force=False)
for _name, _options in [
    ("copied", "shape { dim: 0 dim: -1 dim: 2 }"), ("axis", "axis: 1 shape { dim: -1 }"),
    ("num_axes", "axis: 1 num_axes: 2 shape { dim: 12 }"), ("inserted", "axis: -1 num_axes: 0 shape { dim: 1 dim: 1 }"),
    ("negative", "axis: -3 num_axes: 1 shape { dim: 2 dim: 2 }"), ("dropped", "axis: 1 num_axes: 1 shape { dim: 3 }"),
]:
    add(f"Reshape_{_name}", "Reshape", f"reshape_param {{ {_options} }}", x=normal(2, 3, 4, 5))
for _name, _options, _shape in [
    ("plain", "", (9, 9, 3, 2)), ("one_offset", "axis: 1 offset: 1", (1, 2, 3, 2)),
    ("offsets", "axis: -2 offset: 1 offset: 3", (1, 1, 3, 2)), ("longer", "axis: 0 offset: 0", (1, 2, 3, 4, 5)),
]:
    add(f"Crop_{_name}", "Crop", f"crop_param {{ {_options} }}", x=normal(2, 3, 4, 5), r=normal(*_shape))
add("BatchReindex", "BatchReindex", "propagate_down: true propagate_down: false loss_weight: 1", x=normal(3, 2),
    i=given([2, 0, 2, 1.6], 4), force=False)
add_net(
    "BatchReindex_gradient",
    """
    layer { name: "b" type: "Bias" bottom: "x" top: "b" }
    layer { name: "l" type: "BatchReindex" bottom: "b" bottom: "i" top: "y" loss_weight: 1 }
    """,
    x=normal(3, 2),
    i=given([2, 0, 2, 1.6], 4),
    force=False,
)
add_net(
    "Filter",
    """
    layer { name: "b" type: "Bias" bottom: "x" top: "b" }
    layer { name: "l" type: "Filter" bottom: "b" bottom: "z" bottom: "s" top: "y" top: "w"
            loss_weight: 1 loss_weight: 2 }
    """,
    x=normal(4, 2),
    z=normal(4, 2, 3),
    s=given([0, 1, 0, 0.5], 4, 1),
    force=False,
)
add("Split", "Split", "", 3, x=normal(2, 3))
add("Silence", "Silence", "", 0, x=normal(2, 3), z=normal(2))
add("Parameter", "Parameter", "parameter_param { shape { dim: 2 dim: 3 } }", passes=2)
add("Parameter_weighed", "Parameter", "parameter_param { shape { dim: 2 dim: 3 } } loss_weight: 2", force=False)

# Sequences.
_CONT = [0, 0, 1, 1, 1, 0, 0.5, 1]
for _type, _states in (("RNN", 1), ("LSTM", 2)):
    _state: dict[str, Any] = {f"h{i}": normal(1, 2, 3) for i in range(_states)}
    _options = 'weight_filler { type: "uniform" } num_output: 3'
    add(f"{_type}", _type, f"recurrent_param {{ {_options} }}", x=normal(4, 2, 5), cont=given(_CONT, 4, 2), passes=2)
    add(f"{_type}_static", _type, f"recurrent_param {{ {_options} }}", x=normal(4, 2, 2, 2), cont=given(_CONT, 4, 2),
        static=normal(2, 4), passes=2)
    add(f"{_type}_exposed", _type, f"recurrent_param {{ {_options} expose_hidden: true }}", 1 + _states,
        x=normal(4, 2, 5), cont=given(_CONT, 4, 2), **_state)
    add(f"{_type}_exposed_static", _type, f"recurrent_param {{ {_options} expose_hidden: true }}", 1 + _states,
        x=normal(4, 2, 5), cont=given(_CONT, 4, 2), static=normal(2, 3), **_state)
    add(f"{_type}_frozen", _type, f"param {{ lr_mult: 0 }} recurrent_param {{ {_options} }} loss_weight: 1",
        x=normal(2, 2, 3), cont=given(_CONT[:4], 2, 2), force=False)
add("LSTMUnit", "LSTMUnit", "", 2, c=normal(1, 3, 2), g=normal(1, 3, 8), cont=given([0, 1, 0.5], 1, 3))

# Nets.
add_net(
    "net_in_place_chain",
    """
    layer { name: "s" type: "Scale" bottom: "x" top: "x" scale_param { bias_term: true } }
    layer { name: "p" type: "PReLU" bottom: "x" top: "x" }
    layer { name: "b" type: "Bias" bottom: "x" top: "x" }
    layer { name: "t" type: "TanH" bottom: "x" top: "x" }
    """,
    x=normal(2, 3, 2),
)
add_net(
    "net_shared_parameters",
    """
    layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" param { name: "w" } param { name: "b" }
            inner_product_param { num_output: 3 } }
    layer { name: "c" type: "InnerProduct" bottom: "a" top: "c" param { name: "w" } param { name: "b" }
            inner_product_param { num_output: 3 } }
    layer { name: "e" type: "EuclideanLoss" bottom: "c" bottom: "x" top: "e" }
    """,
    x=normal(4, 3),
    force=False,
    passes=2,
)
add_net(
    "net_losses",
    """
    layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" inner_product_param { num_output: 4 } }
    layer { name: "r" type: "ReLU" bottom: "a" top: "a" }
    layer { name: "m" type: "Reduction" bottom: "a" top: "m" reduction_param { operation: ASUM } loss_weight: 0.1 }
    layer { name: "l" type: "SoftmaxWithLoss" bottom: "a" bottom: "t" top: "l" loss_weight: 2 }
    layer { name: "h" type: "HingeLoss" bottom: "a" bottom: "t" top: "h" }
    layer { name: "q" type: "Accuracy" bottom: "a" bottom: "t" top: "q" }
    """,
    x=normal(5, 3),
    t=whole(4, 5),
    force=False,
)
add_net(
    "net_weighed_split",
    """
    layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" inner_product_param { num_output: 2 } loss_weight: 0.5 }
    layer { name: "e" type: "EuclideanLoss" bottom: "a" bottom: "z" top: "e" loss_weight: 3 }
    layer { name: "p" type: "Power" bottom: "e" top: "p" power_param { scale: 2 } loss_weight: 1 }
    layer { name: "s" type: "Sigmoid" bottom: "a" top: "s" loss_weight: -1 }
    """,
    x=normal(4, 3),
    z=normal(4, 2),
    force=False,
)
add_net(
    "net_weights_taken_along",
    """
    layer { name: "b" type: "Bias" bottom: "x" top: "b" }
    layer { name: "s" type: "Slice" bottom: "b" top: "u" top: "v" loss_weight: 2 loss_weight: 3 }
    layer { name: "p" type: "Power" bottom: "v" top: "p" loss_weight: 1 }
    """,
    x=normal(2, 4),
    force=False,
)
add_net(
    "net_propagate_down",
    """
    layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" inner_product_param { num_output: 2 } }
    layer { name: "c" type: "InnerProduct" bottom: "z" top: "c" inner_product_param { num_output: 2 } }
    layer { name: "e" type: "EuclideanLoss" bottom: "a" bottom: "c" top: "e" propagate_down: true
            propagate_down: false }
    """,
    x=normal(4, 3),
    z=normal(4, 3),
    force=False,
)
add_net(
    "net_flatten_lends_its_diff",
    """
    layer { name: "b" type: "Bias" bottom: "x" top: "b" }
    layer { name: "s" type: "Scale" bottom: "b" top: "b" }
    layer { name: "f" type: "Flatten" bottom: "b" top: "f" loss_weight: 2 }
    """,
    x=normal(2, 3, 2),
    force=False,
    passes=2,
)

# What changes between the passes: a layer in place on memory that a Reshape shares, or on a top.
for _type, _options, _bottoms in [
    ("EuclideanLoss", "", {"x": normal(3, 4), "t": normal(3, 4)}),
    ("ContrastiveLoss", "", {"x": normal(4, 3), "t": normal(4, 3), "s": whole(2, 4)}),
    ("HingeLoss", "hinge_loss_param { norm: L2 }", {"x": normal(4, 3), "t": whole(3, 4)}),
    ("SigmoidCrossEntropyLoss", "", {"x": wide(3, 4), "t": whole(2, 3, 4)}),
    ("SPP", "spp_param { pyramid_height: 2 } loss_weight: 1", {"x": normal(2, 2, 5, 4)}),
    ("RNN", 'recurrent_param { num_output: 2 weight_filler { type: "uniform" } } loss_weight: 1',
     {"x": normal(3, 2, 4), "cont": given([0, 0, 1, 1, 1, 0], 3, 2)}),
    ("LSTM", 'recurrent_param { num_output: 2 weight_filler { type: "uniform" } } loss_weight: 1',
     {"x": normal(3, 2, 4), "cont": given([0, 0, 1, 1, 1, 0], 3, 2)}),
]:
    _others = " ".join(f'bottom: "{name}"' for name in _bottoms if name != "x")
    add_net(
        f"net_bottom_changes_{_type}",
        f"""
        layer {{ name: "b" type: "Bias" bottom: "x" top: "b" }}
        layer {{ name: "l" type: "{_type}" bottom: "b" {_others} top: "y" {_options} }}
        layer {{ name: "r" type: "Reshape" bottom: "b" top: "r" reshape_param {{ shape {{ dim: -1 }} }} }}
        layer {{ name: "p" type: "Power" bottom: "r" top: "r" power_param {{ scale: -2 }} }}
        """,
        force=False,
        **_bottoms,
    )
add_net(
    "net_top_changes_InfogainLoss",
    """
    layer { name: "b" type: "Bias" bottom: "x" top: "b" }
    layer { name: "l" type: "InfogainLoss" bottom: "b" bottom: "t" bottom: "H" top: "y" top: "p"
            loss_weight: 1 loss_weight: 0 }
    layer { name: "o" type: "Power" bottom: "p" top: "p" power_param { scale: -2 } }
    """,
    x=normal(3, 4),
    t=whole(4, 3),
    H=normal(4, 4),
    force=False,
)
add_net(
    "net_top_changes_LSTMUnit",
    """
    layer { name: "l" type: "LSTMUnit" bottom: "c" bottom: "g" bottom: "cont" top: "y" top: "h" }
    layer { name: "t" type: "TanH" bottom: "y" top: "y" }
    """,
    c=normal(1, 3, 2),
    g=normal(1, 3, 8),
    cont=given([0, 1, 1], 1, 3),
)
for _type, _states in (("RNN", 1), ("LSTM", 2)):
    _tops = " ".join(f'top: "h{i}"' for i in range(_states))
    _bottoms = {"x": normal(3, 2, 4), "cont": given([0, 0, 1, 1, 1, 0], 3, 2)}
    _bottoms |= {f"s{i}": normal(1, 2, 3) for i in range(_states)}
    add_net(
        f"net_top_changes_{_type}_exposed",
        f"""
        layer {{ name: "l" type: "{_type}" {" ".join(f'bottom: "{name}"' for name in _bottoms)} top: "y" {_tops}
                recurrent_param {{ num_output: 3 expose_hidden: true weight_filler {{ type: "uniform" }} }} }}
        layer {{ name: "p" type: "Power" bottom: "h{_states - 1}" top: "h{_states - 1}" power_param {{ scale: -2 }} }}
        """,
        **_bottoms,
    )
    add_net(
        f"net_top_changes_{_type}_one_step",
        f"""
        layer {{ name: "l" type: "{_type}" bottom: "x" bottom: "cont" top: "y"
                recurrent_param {{ num_output: 3 weight_filler {{ type: "uniform" }} }} }}
        layer {{ name: "p" type: "Power" bottom: "y" top: "y" power_param {{ scale: -2 }} }}
        """,
        x=normal(1, 2, 4),
        cont=given([1, 1], 1, 2),
        passes=2,
    )

# What real Caffe refuses.
refuse("AbsVal_in_place", "can't run in place", "AbsVal", x=normal(2, 3), in_place=True)
refuse("Split_in_place", "can't run in place", "Split", x=normal(2, 3), in_place=True)
refuse("Flatten_in_place", "can't run in place", "Flatten", x=normal(2, 3), in_place=True)
refuse("Reshape_in_place", "can't run in place", "Reshape", "reshape_param { shape { dim: 0 dim: 0 } }", x=normal(2, 3),
    in_place=True)
refuse("Exp_base", "base -2.0 must be positive", "Exp", "exp_param { base: -2 }", x=normal(2))
refuse("Log_base_1", "no logarithm to base 1", "Log", "log_param { base: 1 }", x=normal(2))
refuse("Accuracy_top_k", "top_k 4 must be at most 3", "Accuracy", "accuracy_param { top_k: 4 }", x=normal(2, 3),
    t=whole(3, 2), force=False)
refuse("ArgMax_top_k", "top_k 4 must lie between 1 and 3", "ArgMax", "argmax_param { top_k: 4 }", x=normal(2, 3),
    force=False)
refuse("Accuracy_gradient", "has no gradient", "Accuracy", x=normal(2, 3), t=whole(3, 2))
refuse("BatchNorm_1_axis", "takes a bottom of 2 axes", "BatchNorm", x=normal(3))
refuse("BatchNorm_learning", "its parameters are statistics", "BatchNorm", "param { }", x=normal(2, 3))
refuse("EuclideanLoss_5_axes", "at most 4 axes", "EuclideanLoss", x=normal(2, 1, 1, 1, 1), t=normal(2, 1, 1, 1, 1))
refuse("PReLU_5_axes", "at most 4 axes", "PReLU", x=normal(2, 1, 1, 1, 1))
refuse("MVN_5_axes", "at most 4 axes", "MVN", x=normal(2, 1, 1, 1, 1))
refuse("SoftmaxWithLoss_first_axes", "must have one first axis", "SoftmaxWithLoss", "softmax_param { axis: 0 }",
    x=normal(3, 2), t=whole(3, 2))
refuse("SoftmaxWithLoss_second_top", "has 1 loss weights for 2 tops", "SoftmaxWithLoss", "", 2, x=normal(2, 3),
    t=whole(3, 2))
refuse("SoftmaxWithLoss_label_gradient", "can't backpropagate to its bottom 't'", "SoftmaxWithLoss",
    "propagate_down: true propagate_down: true", x=normal(2, 3), t=whole(3, 2))
refuse("InfogainLoss_forced", "can't backpropagate to its bottom 'H'", "InfogainLoss", x=normal(2, 3), t=whole(3, 2),
    H=normal(3, 3))
refuse("InfogainLoss_normalize", "normalize is not for this layer", "InfogainLoss", "loss_param { normalize: true }",
    x=normal(2, 3), t=whole(3, 2), H=normal(3, 3))
refuse("MultinomialLogisticLoss_labels", "one label per item", "MultinomialLogisticLoss", x=share(2, 3),
    t=whole(3, 2, 2))
refuse("ContrastiveLoss_shapes", r"takes shapes \(N, C\)", "ContrastiveLoss", a=normal(2, 3), b=normal(2, 3, 2),
    s=whole(2, 2))
refuse("Embed_forced", "can't backpropagate to its bottom 'i'", "Embed", "embed_param { num_output: 2 input_dim: 3 }",
    i=whole(3, 2))
refuse("BatchReindex_forced", "can't backpropagate to its bottom 'i'", "BatchReindex", x=normal(2, 3), i=whole(2, 2))
refuse("BatchReindex_index", "indices lie in", "BatchReindex", x=normal(2, 3), i=given([2], 1), force=False)
refuse("Filter_forced", "can't backpropagate to its bottom 's'", "Filter", x=normal(2, 3), s=given([1, 0], 2))
refuse("Filter_selector", "all its axes but the first must be 1", "Filter", x=normal(2, 3), s=normal(2, 2), force=False)
refuse("Concat_shapes", "may differ along axis 1 only", "Concat", a=normal(2, 3), b=normal(3, 3))
refuse("Concat_both_axes", "either axis or the older concat_dim", "Concat", "concat_param { axis: 1 concat_dim: 1 }",
    a=normal(2, 3), b=normal(2, 3))
refuse("Slice_uneven", "can't be cut into 2 equal parts", "Slice", "", 2, x=normal(2, 3))
refuse("Slice_points", "must be 1 rising numbers", "Slice", "slice_param { slice_point: 0 }", 2, x=normal(2, 3))
refuse("Crop_offset", "can't be cut to 2 at offset 3", "Crop", "crop_param { axis: 1 offset: 3 }", x=normal(1, 4),
    r=normal(1, 2))
refuse("Crop_offsets", "has 2 offsets for 1 axes", "Crop", "crop_param { axis: 1 offset: 0 offset: 0 }", x=normal(1, 4),
    r=normal(1, 2))
refuse("Convolution_kernel", "kernel_size is missing", "Convolution", "convolution_param { num_output: 1 }",
    x=normal(1, 1, 3, 3))
refuse("Convolution_kernels", "kernel_size has 3 values for 2", "Convolution",
    "convolution_param { num_output: 1 kernel_size: 1 kernel_size: 1 kernel_size: 1 }", x=normal(1, 1, 3, 3))
refuse("Convolution_group", "not a multiple of group 2", "Convolution",
    "convolution_param { num_output: 2 group: 2 kernel_size: 1 }", x=normal(1, 3, 3, 3))
refuse("Eltwise_coefficients", "coefficients are for SUM", "Eltwise",
    "eltwise_param { operation: PROD coeff: 1 coeff: 1 }", a=normal(2), b=normal(2))
refuse("LRN_even", "local_size 4 must be odd", "LRN", "lrn_param { local_size: 4 }", x=normal(1, 2, 3, 3))
refuse("LRN_3_axes", "takes a bottom of 4 axes", "LRN", x=normal(2, 3, 3))
refuse("LSTM_2_axes", r"takes x of shape \(T, N, …\)", "LSTM", "recurrent_param { num_output: 2 }", x=normal(3, 2),
    cont=whole(2, 3, 2))
refuse("RNN_static", r"static input must be of shape \(2, …\)", "RNN", "recurrent_param { num_output: 2 }",
    x=normal(3, 2, 4), cont=whole(2, 3, 2), static=normal(2))
refuse("Pooling_pad", r"pad \[2, 2\] must be smaller than the kernel", "Pooling",
    "pooling_param { kernel_size: 2 pad: 2 }", x=normal(1, 1, 4, 4))
refuse("Pooling_global", "global_pooling takes no kernel size", "Pooling",
    "pooling_param { global_pooling: true kernel_size: 2 }", x=normal(1, 1, 4, 4))
refuse("Reshape_count", "the counts differ", "Reshape", "reshape_param { shape { dim: 5 } }", x=normal(2, 3))
refuse("Scale_axes", "doesn't fit a bottom of shape", "Scale", "scale_param { axis: 1 num_axes: 2 }", x=normal(2, 3))
refuse("Scale_operand", "doesn't fit a bottom of shape", "Scale", x=normal(2, 3), f=normal(2))
refuse("Tile_none", "tiles 0 must be given", "Tile", x=normal(2, 3))
refuse("Softmax_axis", "axis 2 is not an axis", "Softmax", "softmax_param { axis: 2 }", x=normal(2, 3))
