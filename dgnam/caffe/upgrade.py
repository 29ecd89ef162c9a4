"""Old definitions made new: V0 and V1 layers, input fields, moved data options, BatchNorm's parameters, solver types.

Each generation is taken one step on, V0 → V1 → V2, as real Caffe does when it reads a file.  The tables say which
name became which.
"""

from __future__ import annotations

import warnings
from typing import Any

from ..errors import CaffeFormatError, closest
from .proto import pb

# A V0 layer's type, and what V1 calls it.
_V0_TYPES = {
    "accuracy": "ACCURACY",
    "bnll": "BNLL",
    "concat": "CONCAT",
    "conv": "CONVOLUTION",
    "data": "DATA",
    "dropout": "DROPOUT",
    "euclidean_loss": "EUCLIDEAN_LOSS",
    "flatten": "FLATTEN",
    "hdf5_data": "HDF5_DATA",
    "hdf5_output": "HDF5_OUTPUT",
    "im2col": "IM2COL",
    "images": "IMAGE_DATA",
    "infogain_loss": "INFOGAIN_LOSS",
    "innerproduct": "INNER_PRODUCT",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MULTINOMIAL_LOGISTIC_LOSS",
    "pool": "POOLING",
    "relu": "RELU",
    "sigmoid": "SIGMOID",
    "softmax": "SOFTMAX",
    "softmax_loss": "SOFTMAX_LOSS",
    "split": "SPLIT",
    "tanh": "TANH",
    "window_data": "WINDOW_DATA",
}

# The message that holds a V0 type's options since V1.
_V0_PARAMS = {
    "concat": "concat_param",
    "conv": "convolution_param",
    "data": "data_param",
    "dropout": "dropout_param",
    "hdf5_data": "hdf5_data_param",
    "images": "image_data_param",
    "infogain_loss": "infogain_loss_param",
    "innerproduct": "inner_product_param",
    "lrn": "lrn_param",
    "pool": "pooling_param",
    "window_data": "window_data_param",
}

# A V0 option, what it is called since, and the V0 types that have it.
_V0_OPTIONS = {
    "num_output": ("num_output", ("conv", "innerproduct")),
    "biasterm": ("bias_term", ("conv", "innerproduct")),
    "weight_filler": ("weight_filler", ("conv", "innerproduct")),
    "bias_filler": ("bias_filler", ("conv", "innerproduct")),
    "pad": ("pad", ("conv", "pool")),
    "kernelsize": ("kernel_size", ("conv", "pool")),
    "group": ("group", ("conv",)),
    "stride": ("stride", ("conv", "pool")),
    "pool": ("pool", ("pool",)),
    "dropout_ratio": ("dropout_ratio", ("dropout",)),
    "local_size": ("local_size", ("lrn",)),
    "alpha": ("alpha", ("lrn",)),
    "beta": ("beta", ("lrn",)),
    "k": ("k", ("lrn",)),
    "source": ("source", ("data", "hdf5_data", "images", "window_data", "infogain_loss")),
    "batchsize": ("batch_size", ("data", "hdf5_data", "images", "window_data")),
    "rand_skip": ("rand_skip", ("data", "images")),
    "shuffle_images": ("shuffle", ("images",)),
    "new_height": ("new_height", ("images",)),
    "new_width": ("new_width", ("images",)),
    "concat_dim": ("concat_dim", ("concat",)),
    "det_fg_threshold": ("fg_threshold", ("window_data",)),
    "det_bg_threshold": ("bg_threshold", ("window_data",)),
    "det_fg_fraction": ("fg_fraction", ("window_data",)),
    "det_context_pad": ("context_pad", ("window_data",)),
    "det_crop_mode": ("crop_mode", ("window_data",)),
}

# V0 options that went to transform_param, whatever the type.
_V0_TRANSFORMS = {"scale": "scale", "meanfile": "mean_file", "cropsize": "crop_size", "mirror": "mirror"}

# V0 fields that stand in the V1 layer itself.
_V0_OUTER = ("name", "blobs", "blobs_lr", "weight_decay")

# A V1 layer's type, and its name since V2.
_V1_TYPES = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "ELTWISE": "Eltwise",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SLICE": "Slice",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "TANH": "TanH",
    "THRESHOLD": "Threshold",
    "WINDOW_DATA": "WindowData",
}

# V1 lists with an entry for each parameter, and the option of ParamSpec that each became.
_V1_PARAM_LISTS = {
    "param": "name",
    "blob_share_mode": "share_mode",
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
}

# The V1 types whose options of these names moved to transform_param.
_V1_DATA = {"DATA": "data_param", "IMAGE_DATA": "image_data_param", "WINDOW_DATA": "window_data_param"}
_TRANSFORMS = ("scale", "mean_file", "crop_size", "mirror")

_MAX_LAYERS = 1 << 16
"""Far more than the deepest published net has; an empty layer takes few bytes of a file and many of memory."""

_SOLVER_TYPES = {
    "SGD": "SGD",
    "NESTEROV": "Nesterov",
    "ADAGRAD": "AdaGrad",
    "RMSPROP": "RMSProp",
    "ADADELTA": "AdaDelta",
    "ADAM": "Adam",
}


def upgrade_net(net: pb.NetParameter, source: str) -> pb.NetParameter:
    """A copy of `net` in the present form: `layer` only, its inputs as a first layer `input` of type Input.

    source: the file's name for errors.  Raises CaffeFormatError where Caffe would refuse too, such as a mixture of
    `layer` and `layers`; an option that its V0 layer can't have is dropped with a warning, as Caffe drops it.
    """
    if len(net.layer) + len(net.layers) > _MAX_LAYERS:
        raise CaffeFormatError(
            f"{source}: {len(net.layer) + len(net.layers)} layers are too many; at most {_MAX_LAYERS}"
        )
    new = pb.NetParameter()
    new.CopyFrom(net)
    if new.layers and new.layer:
        raise CaffeFormatError(
            f"{source}: has both 'layer' and 'layers'; write all layers in the present form, 'layer'"
        )
    if any(layer.HasField("layer") for layer in new.layers):
        _v0_to_v1(new, source)
    for old in new.layers:
        _move_transforms(old)
        new.layer.append(_v1_to_v2(old))
    del new.layers[:]
    _inputs_to_layer(new, source)
    _freeze_statistics(new)
    return new


def upgrade_solver(solver: pb.SolverParameter, source: str) -> pb.SolverParameter:
    """A copy of `solver` with its type as a string, and the nets within it upgraded."""
    new = pb.SolverParameter()
    new.CopyFrom(solver)
    if new.HasField("solver_type"):
        if new.HasField("type"):
            raise CaffeFormatError(f"{source}: has both 'type' and the old 'solver_type'; keep 'type'")
        new.type = _SOLVER_TYPES[pb.SolverParameter.SolverType.Name(new.solver_type)]
        new.ClearField("solver_type")
    for field in ("net_param", "train_net_param"):
        if new.HasField(field):
            getattr(new, field).CopyFrom(upgrade_net(getattr(new, field), source))
    for net in new.test_net_param:
        net.CopyFrom(upgrade_net(net, source))
    return new


def _v0_to_v1(net: pb.NetParameter, source: str) -> None:
    """Merge padding layers into what they pad, and bring all layers from V0 to V1."""
    for layer in net.layers:
        if not layer.HasField("layer"):
            raise CaffeFormatError(
                f"{source}: layer '{layer.name}' is of V1, and others of V0; write them all in one form"
            )
    upgraded = [_v0_layer(layer, source) for layer in _merge_padding(net, source)]
    del net.layers[:]
    net.layers.extend(upgraded)


def _merge_padding(net: pb.NetParameter, source: str) -> list[pb.V1LayerParameter]:
    """The V0 layers without the padding ones, whose pad goes to the convolution or pooling that takes their top."""
    maker: dict[str, pb.V1LayerParameter | None] = dict.fromkeys(net.input)
    kept = []
    for old in net.layers:
        layer = pb.V1LayerParameter()
        layer.CopyFrom(old)
        for i, name in enumerate(old.bottom):
            if name not in maker:
                raise CaffeFormatError(
                    f"{source}: layer '{old.layer.name}': unknown bottom blob '{name}'; "
                    f"blobs made before it: {closest(name, maker)}"
                )
            padding = maker[name]
            if padding is not None and padding.layer.type == "padding":
                _check_padding(padding, old, source)
                layer.layer.pad = padding.layer.pad
                layer.bottom[i] = padding.bottom[0]
        maker.update(dict.fromkeys(old.top, old))
        if old.layer.type != "padding":
            kept.append(layer)
    return kept


def _check_padding(padding: pb.V1LayerParameter, padded: pb.V1LayerParameter, source: str) -> None:
    alone = len(padding.bottom) == len(padding.top) == len(padded.bottom) == 1
    if not alone or padded.layer.type not in ("conv", "pool"):
        raise CaffeFormatError(
            f"{source}: padding layer '{padding.layer.name}' must have one bottom and one top, and stand before a conv "
            f"or pool layer with no other bottom, not before '{padded.layer.name}' of type '{padded.layer.type}'"
        )


def _v0_layer(outer: pb.V1LayerParameter, source: str) -> pb.V1LayerParameter:
    """One V0 layer in V1's form."""
    old = outer.layer
    if old.HasField("type") and old.type not in _V0_TYPES:
        known = closest(old.type, _V0_TYPES)
        raise CaffeFormatError(
            f"{source}: layer '{old.name}': unknown V0 type '{old.type}'; known ones, the closest first: {known}"
        )
    new = pb.V1LayerParameter(bottom=outer.bottom, top=outer.top)
    if old.HasField("type"):
        new.type = getattr(pb.V1LayerParameter, _V0_TYPES[old.type])
    for field, value in old.ListFields():
        name, types = _V0_OPTIONS.get(field.name, ("", ()))
        if field.name in _V0_OUTER:
            _put(new, field.name, value)
        elif field.name in _V0_TRANSFORMS:
            _put(new.transform_param, _V0_TRANSFORMS[field.name], value)
        elif old.type in types:
            _put(getattr(new, _V0_PARAMS[old.type]), name, value)
        elif field.name == "hdf5_output_param" and old.type == "hdf5_output":
            _put(new, field.name, value)
        elif field.name != "type":
            warnings.warn(
                f"{source}: layer '{old.name}' of V0 type '{old.type}' has no option '{field.name}'; it is passed over",
                stacklevel=2,
            )
    return new


def _move_transforms(layer: pb.V1LayerParameter) -> None:
    """Move a V1 data layer's scaling, mean, crop and mirroring to transform_param."""
    param = _V1_DATA.get(pb.V1LayerParameter.LayerType.Name(layer.type))
    if param is None:
        return
    options = getattr(layer, param)
    for name in _TRANSFORMS:
        if options.HasField(name):
            setattr(layer.transform_param, name, getattr(options, name))
            options.ClearField(name)


def _v1_to_v2(old: pb.V1LayerParameter) -> pb.LayerParameter:
    """One V1 layer in V2's form; all but its type and the lists about its parameters have kept their names."""
    new = pb.LayerParameter()
    for field, value in old.ListFields():
        if field.name == "type":
            new.type = _V1_TYPES[pb.V1LayerParameter.LayerType.Name(value)]
        elif field.name in _V1_PARAM_LISTS:
            while len(new.param) < len(value):
                new.param.add()
            for spec, entry in zip(new.param, value, strict=False):
                setattr(spec, _V1_PARAM_LISTS[field.name], entry)
        else:
            _put(new, field.name, value)
    return new


def _inputs_to_layer(net: pb.NetParameter, source: str) -> None:
    """Turn `input` with `input_shape` or, four to each, `input_dim` into an Input layer; a bare `input` is dropped."""
    if net.input and (net.input_shape or net.input_dim):
        shapes = list(net.input_shape)
        if not shapes:
            shapes = [pb.BlobShape(dim=net.input_dim[i : i + 4]) for i in range(0, len(net.input_dim), 4)]
        if len(shapes) != len(net.input) or (not net.input_shape and len(net.input_dim) % 4):
            given = f"{len(net.input_shape)} input_shape" if net.input_shape else f"{len(net.input_dim)} input_dim"
            raise CaffeFormatError(
                f"{source}: {len(net.input)} inputs ({', '.join(net.input)}) need an input_shape or four input_dim "
                f"each, and there are {given}"
            )
        layers = [pb.LayerParameter(name="input", type="Input", top=net.input), *net.layer]
        layers[0].input_param.shape.extend(shapes)
        new = pb.NetParameter(layer=layers)
        net.ClearField("layer")
        net.MergeFrom(new)
    for field in ("input", "input_shape", "input_dim"):
        net.ClearField(field)


def _freeze_statistics(net: pb.NetParameter) -> None:
    """Give BatchNorm layers with their three `param` entries spelled out a rate of zero: statistics aren't learned."""
    for layer in net.layer:
        if layer.type == "BatchNorm" and len(layer.param) == 3:
            for spec in layer.param:
                spec.lr_mult = spec.decay_mult = 0


def _put(message: Any, name: str, value: Any) -> None:
    """Set a field of any kind: a message is copied, a repeated field gets one more entry or several."""
    target = getattr(message, name)
    if hasattr(target, "extend"):
        target.extend(value if hasattr(value, "extend") else [value])
    elif message.DESCRIPTOR.fields_by_name[name].message_type is not None:
        target.CopyFrom(value)
    else:
        setattr(message, name, value)
