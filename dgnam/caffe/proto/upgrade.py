"""Upgrading old definitions: V0 and V1 layers, input fields, moved data options, BatchNorm parameters, solver types.

Each version is upgraded step by step, V0 → V1 → V2, as by real Caffe on reading.  The tables map old names to new ones.
"""

from __future__ import annotations

import warnings
from typing import Any

from ...errors import CaffeFormatError, closest
from . import dgnam_caffe_pb2 as pb

# V0 types and their V1 names.
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

# V0 types and the messages with their options since V1.
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

# V0 options, their V1 names, and the V0 types that have them.
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

# V0 options moved to transform_param, for any type.
_V0_TRANSFORMS = {"scale": "scale", "meanfile": "mean_file", "cropsize": "crop_size", "mirror": "mirror"}

# V0 fields moved to the V1 layer itself.
_V0_OUTER = ("name", "blobs", "blobs_lr", "weight_decay")

# V1 types and their V2 names.
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

# V1 lists with an entry for each parameter, and the ParamSpec options that replace them.
_V1_PARAM_LISTS = {
    "param": "name",
    "blob_share_mode": "share_mode",
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
}

# V1 types with options moved to transform_param.
_V1_DATA = {"DATA": "data_param", "IMAGE_DATA": "image_data_param", "WINDOW_DATA": "window_data_param"}
_TRANSFORMS = ("scale", "mean_file", "crop_size", "mirror")

_MAX_LAYERS = 1 << 16
"""Far more than in the deepest published net; an empty layer takes few bytes in a file and many in memory."""

_SOLVER_TYPES = {
    "SGD": "SGD",
    "NESTEROV": "Nesterov",
    "ADAGRAD": "AdaGrad",
    "RMSPROP": "RMSProp",
    "ADADELTA": "AdaDelta",
    "ADAM": "Adam",
}


def upgrade_net(net: pb.NetParameter, source: str) -> pb.NetParameter:
    """Return a copy of `net` in the current format: `layer` only, inputs as a first layer `input` of type Input.

    source: the file's name in errors.

    Raises CaffeFormatError if Caffe rejects the net too, as for a mixture of `layer` and `layers`.  Options invalid for
    a V0 layer's type are dropped with a warning, as in Caffe.
    """
    if len(net.layer) + len(net.layers) > _MAX_LAYERS:
        raise CaffeFormatError(f"{source}: {len(net.layer) + len(net.layers)} layers exceed the limit of {_MAX_LAYERS}")
    new = pb.NetParameter()
    new.CopyFrom(net)
    if new.layers and new.layer:
        raise CaffeFormatError(f"{source}: has both 'layer' and 'layers'; use only 'layer', the current format")
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
    """Return a copy of `solver` with its type as a string and its nets upgraded."""
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
    """Merge padding layers into the layers they pad, and upgrade all layers from V0 to V1."""
    for layer in net.layers:
        if not layer.HasField("layer"):
            raise CaffeFormatError(f"{source}: layer '{layer.name}' is in V1 format and others in V0; use one format")
    upgraded = [_v0_layer(layer, source) for layer in _merge_padding(net, source)]
    del net.layers[:]
    net.layers.extend(upgraded)


def _merge_padding(net: pb.NetParameter, source: str) -> list[pb.V1LayerParameter]:
    """Return the V0 layers without padding layers, whose pad moves to the convolution or pooling of their top."""
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
            f"{source}: padding layer '{padding.layer.name}' must have one bottom and one top and precede a conv or "
            f"pool layer with no other bottom, not '{padded.layer.name}' of type '{padded.layer.type}'"
        )


def _v0_layer(outer: pb.V1LayerParameter, source: str) -> pb.V1LayerParameter:
    """Convert one V0 layer to V1."""
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
                f"{source}: layer '{old.name}' of V0 type '{old.type}' has no option '{field.name}'; ignored",
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
    """Convert one V1 layer to V2; only its type and the per-parameter lists change their names."""
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
    """Convert `input` with `input_shape`, or four `input_dim` each, to an Input layer; drop `input` without shapes."""
    if net.input and (net.input_shape or net.input_dim):
        shapes = list(net.input_shape)
        if not shapes:
            shapes = [pb.BlobShape(dim=net.input_dim[i : i + 4]) for i in range(0, len(net.input_dim), 4)]
        if len(shapes) != len(net.input) or (not net.input_shape and len(net.input_dim) % 4):
            given = f"{len(net.input_shape)} input_shape" if net.input_shape else f"{len(net.input_dim)} input_dim"
            raise CaffeFormatError(
                f"{source}: {len(net.input)} inputs ({', '.join(net.input)}) need an input_shape or four input_dim "
                f"each; got {given}"
            )
        layers = [pb.LayerParameter(name="input", type="Input", top=net.input), *net.layer]
        layers[0].input_param.shape.extend(shapes)
        new = pb.NetParameter(layer=layers)
        net.ClearField("layer")
        net.MergeFrom(new)
    for field in ("input", "input_shape", "input_dim"):
        net.ClearField(field)


def _freeze_statistics(net: pb.NetParameter) -> None:
    """Set zero learning rates for BatchNorm layers with three `param` entries: statistics are not learned."""
    for layer in net.layer:
        if layer.type == "BatchNorm" and len(layer.param) == 3:
            for spec in layer.param:
                spec.lr_mult = spec.decay_mult = 0


def _put(message: Any, name: str, value: Any) -> None:
    """Set a field of any kind: copy a message, append to a repeated field."""
    target = getattr(message, name)
    if hasattr(target, "extend"):
        target.extend(value if hasattr(value, "extend") else [value])
    elif message.DESCRIPTOR.fields_by_name[name].message_type is not None:
        target.CopyFrom(value)
    else:
        setattr(message, name, value)
