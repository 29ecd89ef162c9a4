"""Old definitions come out as real Caffe's upgrade makes them."""

import math
import re

import pytest

from dgnam.caffe.layer import layer_type_list
from dgnam.caffe.proto import pb
from dgnam.caffe.proto.prototxt import parse
from dgnam.caffe.proto.upgrade import _V0_TYPES, _V1_TYPES, upgrade_net, upgrade_solver
from dgnam.caffe.wiring.build import build
from dgnam.errors import CaffeFormatError


def upgraded(text: str) -> pb.NetParameter:
    return upgrade_net(parse(text, pb.NetParameter), "old.prototxt")


def present(text: str) -> pb.NetParameter:
    return parse(text, pb.NetParameter)


V0 = """
name: "CaffeNet"
layers {
  layer {
    name: "data" type: "data" source: "train" meanfile: "mean.binaryproto" batchsize: 256 cropsize: 227 mirror: true
    scale: 0.5 rand_skip: 10
  }
  top: "data" top: "label"
}
layers { layer { name: "pad1" type: "padding" pad: 2 } bottom: "data" top: "pad1" }
layers {
  layer {
    name: "conv1" type: "conv" num_output: 96 kernelsize: 11 stride: 4 group: 2 biasterm: false
    weight_filler { type: "gaussian" std: 0.01 } bias_filler { type: "constant" }
    blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0
  }
  bottom: "pad1" top: "conv1"
}
layers { layer { name: "relu1" type: "relu" } bottom: "conv1" top: "conv1" }
layers { layer { name: "pool1" type: "pool" pool: AVE kernelsize: 3 stride: 2 pad: 1 } bottom: "conv1" top: "pool1" }
layers { layer { name: "norm1" type: "lrn" local_size: 7 alpha: 0.1 beta: 0.5 k: 2 } bottom: "pool1" top: "norm1" }
layers { layer { name: "fc" type: "innerproduct" num_output: 10 biasterm: true } bottom: "norm1" top: "fc" }
layers { layer { name: "drop" type: "dropout" dropout_ratio: 0.25 } bottom: "fc" top: "fc" }
layers { layer { name: "cat" type: "concat" concat_dim: 0 } bottom: "fc" bottom: "fc" top: "cat" }
layers { layer { name: "loss" type: "softmax_loss" } bottom: "cat" bottom: "label" }
"""

V0_UPGRADED = """
name: "CaffeNet"
layer {
  name: "data" type: "Data" top: "data" top: "label"
  transform_param { scale: 0.5 mirror: true crop_size: 227 mean_file: "mean.binaryproto" }
  data_param { source: "train" batch_size: 256 rand_skip: 10 }
}
layer {
  name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  convolution_param {
    num_output: 96 bias_term: false pad: 2 kernel_size: 11 group: 2 stride: 4
    weight_filler { type: "gaussian" std: 0.01 } bias_filler { type: "constant" }
  }
}
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer {
  name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }
}
layer {
  name: "norm1" type: "LRN" bottom: "pool1" top: "norm1" lrn_param { local_size: 7 alpha: 0.1 beta: 0.5 k: 2 }
}
layer {
  name: "fc" type: "InnerProduct" bottom: "norm1" top: "fc" inner_product_param { num_output: 10 bias_term: true }
}
layer { name: "drop" type: "Dropout" bottom: "fc" top: "fc" dropout_param { dropout_ratio: 0.25 } }
layer { name: "cat" type: "Concat" bottom: "fc" bottom: "fc" top: "cat" concat_param { concat_dim: 0 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "cat" bottom: "label" }
"""


def test_v0_net():
    assert upgraded(V0) == present(V0_UPGRADED)


def test_v0_data_layers():
    net = upgraded("""
        layers { layer { name: "a" type: "images" source: "list" batchsize: 5 rand_skip: 2 shuffle_images: true
                         new_height: 7 new_width: 8 } top: "a" }
        layers { layer { name: "b" type: "window_data" source: "w" det_fg_threshold: 0.25 det_bg_threshold: 0.75
                         det_fg_fraction: 0.5 det_context_pad: 16 det_crop_mode: "square" cropsize: 9 } top: "b" }
        layers { layer { name: "c" type: "hdf5_data" source: "h" batchsize: 4 } top: "c" }
        layers { layer { name: "d" type: "infogain_loss" source: "i" } bottom: "a" bottom: "c" top: "d" }
        layers { layer { name: "e" type: "hdf5_output" hdf5_output_param { file_name: "o" } } bottom: "a" }
        """)
    assert net == present("""
        layer { name: "a" type: "ImageData" top: "a" image_data_param { source: "list" batch_size: 5 rand_skip: 2
                shuffle: true new_height: 7 new_width: 8 } }
        layer { name: "b" type: "WindowData" top: "b" transform_param { crop_size: 9 } window_data_param { source: "w"
                fg_threshold: 0.25 bg_threshold: 0.75 fg_fraction: 0.5 context_pad: 16 crop_mode: "square" } }
        layer { name: "c" type: "HDF5Data" top: "c" hdf5_data_param { source: "h" batch_size: 4 } }
        layer { name: "d" type: "InfogainLoss" bottom: "a" bottom: "c" top: "d" infogain_loss_param { source: "i" } }
        layer { name: "e" type: "HDF5Output" bottom: "a" hdf5_output_param { file_name: "o" } }
        """)


def test_padding_of_one_blob_taken_twice():
    net = upgraded("""
        input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
        layers { layer { name: "pad" type: "padding" pad: 3 } bottom: "data" top: "pad" }
        layers { layer { name: "conv" type: "conv" pad: 1 } bottom: "pad" top: "conv" }
        layers { layer { name: "pool" type: "pool" } bottom: "pad" top: "pool" }
        """)
    assert [layer.name for layer in net.layer] == ["input", "conv", "pool"]
    assert list(net.layer[1].convolution_param.pad) == [3]
    assert net.layer[2].pooling_param.pad == 3
    assert [list(layer.bottom) for layer in net.layer[1:]] == [["data"], ["data"]]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('layers { layer { name: "a" type: "convolution" } }', ["layer 'a'", "V0 type 'convolution'", "conv,"]),
        ('layers { layer { name: "a" type: "conv" } bottom: "x" }', ["layer 'a'", "unknown bottom blob 'x'"]),
        ('layers { layer { name: "a" } } layers { name: "b" }', ["layer 'b' is in V1 format"]),
        ("layers { type: RELU } layer { }", ["both 'layer' and 'layers'"]),
        (
            'input: "x" layers { layer { name: "p" type: "padding" } bottom: "x" top: "p" }'
            'layers { layer { name: "r" type: "relu" } bottom: "p" top: "p" }',
            ["padding layer 'p'", "'r' of type 'relu'"],
        ),
        (
            'input: "a" input: "b" input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4',
            ["2 inputs (a, b)", "4 input_dim"],
        ),
        ('input: "a" input_dim: 1 input_dim: 2', ["1 inputs (a)", "2 input_dim"]),
        ('input: "a" input_shape { dim: 1 } input_shape { dim: 1 }', ["1 inputs (a)", "2 input_shape"]),
    ],
)
def test_what_caffe_refuses(text, parts):
    with pytest.raises(CaffeFormatError, match=r"^old.prototxt: ") as caught:
        upgraded(text)
    for part in parts:
        assert part in str(caught.value)


def test_options_of_other_v0_types_are_passed_over():
    with pytest.warns(UserWarning, match=r"old.prototxt: layer 'r' of V0 type 'relu' has no option 'num_output'"):
        net = upgraded('layers { layer { name: "r" type: "relu" num_output: 3 } top: "r" }')
    assert net == present('layer { name: "r" type: "ReLU" top: "r" }')


V1 = """
layers {
  name: "data" type: DATA top: "data" include { phase: TRAIN }
  data_param { source: "s" batch_size: 2 scale: 0.5 mean_file: "m" crop_size: 5 mirror: true }
}
layers {
  name: "conv" type: CONVOLUTION bottom: "data" top: "conv" exclude { stage: "x" } loss_weight: 2
  param: "w" blob_share_mode: PERMISSIVE blobs_lr: 1 blobs_lr: 2 weight_decay: 0 weight_decay: 3 weight_decay: 4
  convolution_param { num_output: 3 kernel_size: 3 }
}
layers { name: "hinge" type: HINGE_LOSS bottom: "conv" hinge_loss_param { norm: L2 } loss_param { ignore_label: 1 } }
"""

V1_UPGRADED = """
layer {
  name: "data" type: "Data" top: "data" include { phase: TRAIN }
  transform_param { scale: 0.5 mean_file: "m" crop_size: 5 mirror: true }
  data_param { source: "s" batch_size: 2 }
}
layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv" exclude { stage: "x" } loss_weight: 2
  param { name: "w" share_mode: PERMISSIVE lr_mult: 1 decay_mult: 0 }
  param { lr_mult: 2 decay_mult: 3 } param { decay_mult: 4 }
  convolution_param { num_output: 3 kernel_size: 3 }
}
layer {
  name: "hinge" type: "HingeLoss" bottom: "conv" hinge_loss_param { norm: L2 } loss_param { ignore_label: 1 }
}
"""


def test_v1_net():
    assert upgraded(V1) == present(V1_UPGRADED)


def test_v1_data_options_move_for_each_data_type():
    for kind, param in [("IMAGE_DATA", "image_data_param"), ("WINDOW_DATA", "window_data_param")]:
        layer = upgraded(f"layers {{ type: {kind} {param} {{ mirror: true crop_size: 3 source: 's' }} }}").layer[0]
        assert layer.transform_param == pb.TransformationParameter(mirror=True, crop_size=3)
        assert [field.name for field, _ in getattr(layer, param).ListFields()] == ["source"]


def test_every_old_type_has_a_name():
    v1_types = {value.name for value in pb.V1LayerParameter.DESCRIPTOR.enum_types_by_name["LayerType"].values}
    assert set(_V1_TYPES) == v1_types
    assert set(_V0_TYPES.values()) < v1_types
    assert len(set(_V1_TYPES.values())) == len(_V1_TYPES)


def test_every_old_type_is_a_layer_type():
    assert set(_V1_TYPES.values()) - {""} <= set(layer_type_list())


# The net of Krizhevsky et al. as Caffe's first release published it, padding layers and all.
V0_IMAGENET = """
name: "CaffeNet" input: "data" input_dim: 10 input_dim: 3 input_dim: 227 input_dim: 227
CONV(conv1 data 96 kernelsize: 11 stride: 4) ON(relu conv1) POOL(pool1 conv1) NORM(norm1 pool1)
PAD(pad2 norm1 2) CONV(conv2 pad2 256 group: 2 kernelsize: 5) ON(relu conv2) POOL(pool2 conv2) NORM(norm2 pool2)
PAD(pad3 norm2 1) CONV(conv3 pad3 384 kernelsize: 3) ON(relu conv3)
PAD(pad4 conv3 1) CONV(conv4 pad4 384 group: 2 kernelsize: 3) ON(relu conv4)
PAD(pad5 conv4 1) CONV(conv5 pad5 256 group: 2 kernelsize: 3) ON(relu conv5) POOL(pool5 conv5)
FC(fc6 pool5 4096) ON(relu fc6) ON(dropout fc6) FC(fc7 fc6 4096) ON(relu fc7) ON(dropout fc7) FC(fc8 fc7 1000)
TO(softmax prob fc8)
"""

_LONG = {
    r"CONV\((\w+) (\w+) (\d+) (.*?)\)": r'layers { layer { name: "\1" type: "conv" num_output: \3 \4 '
    r'blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0 } bottom: "\2" top: "\1" }',
    r"FC\((\w+) (\w+) (\d+)\)": r'layers { layer { name: "\1" type: "innerproduct" num_output: \3 '
    r'blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0 } bottom: "\2" top: "\1" }',
    r"POOL\((\w+) (\w+)\)": r'layers { layer { name: "\1" type: "pool" pool: MAX kernelsize: 3 stride: 2 } '
    r'bottom: "\2" top: "\1" }',
    r"NORM\((\w+) (\w+)\)": r'layers { layer { name: "\1" type: "lrn" local_size: 5 alpha: 1e-4 beta: 0.75 } '
    r'bottom: "\2" top: "\1" }',
    r"PAD\((\w+) (\w+) (\d)\)": r'layers { layer { name: "\1" type: "padding" pad: \3 } bottom: "\2" top: "\1" }',
    r"ON\((\w+) (\w+)\)": r'layers { layer { name: "\1_\2" type: "\1" } bottom: "\2" top: "\2" }',
    r"TO\((\w+) (\w+) (\w+)\)": r'layers { layer { name: "\2" type: "\1" } bottom: "\3" top: "\2" }',
}


def test_the_first_published_net_has_the_shapes_it_is_known_for():
    text = V0_IMAGENET
    for short, long in _LONG.items():
        text = re.sub(short, long, text)
    plan = build(upgraded(text), pb.TEST)
    shapes = dict(zip(plan.blob_names, plan.blob_shapes, strict=True))
    assert not any("pad" in name for name in [*shapes, *(layer.name for layer in plan.layers)])
    assert {name: shapes[name][1:] for name in ("conv1", "conv2", "conv3", "conv4", "conv5", "pool5", "fc6")} == {
        "conv1": (96, 55, 55),
        "conv2": (256, 27, 27),
        "conv3": (384, 13, 13),
        "conv4": (384, 13, 13),
        "conv5": (256, 13, 13),
        "pool5": (256, 6, 6),
        "fc6": (4096,),
    }
    assert [layer.layer.definition.convolution_param.pad[:] for layer in plan.layers if "conv" in layer.name] == [
        *([], [], [2], [], [1], [], [1], [], [1], [])
    ]
    assert sum(math.prod(param.blob.shape) for param in plan.params) == 60_965_224
    assert {(p.lr_mult, p.decay_mult) for p in plan.params} == {(1, 1), (2, 0)}
    assert plan.outputs == [plan.blob_index("prob")]


def test_every_v1_field_has_a_place():
    for field in pb.V1LayerParameter.DESCRIPTOR.fields:
        if field.message_type is not None and field.name != "layer":
            assert pb.LayerParameter.DESCRIPTOR.fields_by_name[field.name].message_type is field.message_type


def test_inputs_become_a_layer():
    dims = upgraded("""input: "a" input: "b" input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4
        input_dim: 5 input_dim: 6 input_dim: 7 input_dim: 8 name: "n" layer { name: "relu" bottom: "a" }""")
    shapes = """shape { dim: 1 dim: 2 dim: 3 dim: 4 } shape { dim: 5 dim: 6 dim: 7 dim: 8 }"""
    assert dims == present(f"""name: "n" layer {{ name: "input" type: "Input" top: "a" top: "b"
        input_param {{ {shapes} }} }} layer {{ name: "relu" bottom: "a" }}""")
    shaped = upgraded('input: "a" input_shape { dim: 4 dim: 9 } input_dim: 7')
    assert shaped == present('layer { name: "input" type: "Input" top: "a" input_param { shape { dim: 4 dim: 9 } } }')


def test_a_caffemodels_bare_input_is_dropped():
    assert upgraded('input: "data" layer { name: "x" }') == present('layer { name: "x" }')


def test_batch_norm_statistics_do_not_learn():
    net = upgraded("""
        layer { type: "BatchNorm" param { lr_mult: 1 name: "m" } param { } param { decay_mult: 2 } }
        layer { type: "BatchNorm" param { lr_mult: 1 } }
        layer { type: "Scale" param { lr_mult: 1 } param { } param { } }""")
    frozen, other, scale = ([(spec.lr_mult, spec.decay_mult) for spec in layer.param] for layer in net.layer)
    assert frozen == [(0, 0)] * 3
    assert other == [(1, 1)]
    assert scale == [(1, 1)] * 3
    assert net.layer[0].param[0].name == "m"


def test_a_present_net_is_copied_unchanged():
    net = present(V0_UPGRADED)
    new = upgrade_net(net, "x")
    assert new == net
    assert new is not net
    old = present(V1)
    before = old.SerializeToString()
    upgrade_net(old, "x")
    assert old.SerializeToString() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SGD", "SGD"),
        ("NESTEROV", "Nesterov"),
        ("ADAGRAD", "AdaGrad"),
        ("RMSPROP", "RMSProp"),
        ("ADADELTA", "AdaDelta"),
        ("ADAM", "Adam"),
    ],
)
def test_solver_types(old, new):
    solver = parse(f"base_lr: 1 solver_type: {old}", pb.SolverParameter)
    assert upgrade_solver(solver, "s") == parse(f"base_lr: 1 type: '{new}'", pb.SolverParameter)


def test_solver_nets_are_upgraded():
    nets = "train_net_param { layers { type: RELU } } test_net_param { layers { type: TANH } } net_param { }"
    solver = upgrade_solver(parse(nets, pb.SolverParameter), "s")
    assert solver.train_net_param.layer[0].type == "ReLU"
    assert solver.test_net_param[0].layer[0].type == "TanH"


def test_a_solver_has_one_type():
    with pytest.raises(CaffeFormatError, match="both 'type' and the old 'solver_type'"):
        upgrade_solver(parse("type: 'SGD' solver_type: SGD", pb.SolverParameter), "s")
