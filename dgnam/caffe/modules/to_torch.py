"""`to_torch`: a net as a plain `torch.nn.Module` with a child module for each layer.

    net = to_torch("deploy.prototxt", "net.caffemodel")
    scores = net(images)                                     # (N, 3, 227, 227) for any N → (N, 1000)
    net.conv1.register_forward_hook(look)                    # before the ReLU that follows in place
    both = to_torch("deploy.prototxt", "net.caffemodel", outputs=["fc6", "prob"])(images)["fc6"]

The layers' functions are those of `Net`.  For slices of a net, training by Caffe's rules and activation maximization
use `CaffeModule`, which has Caffe's interface: blobs by name, start and end layers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ...errors import CaffeError, naming
from ..layer import Context, Layer, Shape, create_layer
from ..proto import pb, read_net, read_weights
from ..wiring.build import NetPlan, WiredLayer, build, filter_layers
from ..wiring.data_inputs import data_to_inputs
from ..wiring.weights import Slot, Weights, copy_weights
from .caffe_module import check_claims, check_whole, free_batch
from .overwritten import overwritten

PARAM_NAMES = {
    "BatchNorm": ("mean", "variance", "scale_factor"),
    "Bias": ("bias",),
    "RNN": ("weight_x", "bias", "weight_hidden", "weight_output", "bias_output"),
    "LSTM": ("weight_x", "bias", "weight_hidden"),
}
"""The names of these layer types' blobs in `state_dict`; other types' are `weight` and `bias`."""

STATIC_PARAM_NAMES = {
    kind: (*PARAM_NAMES[kind][:2], "weight_static", *PARAM_NAMES[kind][2:]) for kind in ("RNN", "LSTM")
}
"""The same for a recurrent layer with a static input."""


class TorchLayer(nn.Module):
    """One layer: takes its bottoms, returns its top, or a tuple unless there is exactly one.

    caffe_name: the layer's name in the prototxt.
    layer: its definition and function.

    Passes keep no state except BatchNorm's statistics in training; RNN and LSTM start each pass from zero.
    """

    def __init__(self, layer: Layer, param_shapes: Sequence[Shape]):
        super().__init__()
        self.layer = layer
        self.caffe_name = layer.name
        self._shapes = list(param_shapes)
        self._names = param_names(layer, len(param_shapes))

    def forward(self, *bottoms: Tensor) -> Tensor | tuple[Tensor, ...]:
        # A new context for each pass: autograd keeps what a backward pass needs.
        context = Context(pb.TRAIN if self.training else pb.TEST, param_gradients=False)
        tops = self.layer.forward(context, bottoms, self.params())
        return tops[0] if len(tops) == 1 else tuple(tops)

    def params(self) -> list[Tensor]:
        """Return the blobs in Caffe's order and in this layer's shapes; a shared blob's owner may use another."""
        values: list[Tensor] = [getattr(self, name) for name in self._names]
        return [v if v.shape == shape else v.view(shape) for v, shape in zip(values, self._shapes, strict=True)]

    def hold(self, blobs: Sequence[Tensor]) -> None:
        """Register these blobs as parameters, or statistics as buffers."""
        for name, blob in zip(self._names, blobs, strict=True):
            if isinstance(blob, nn.Parameter):
                self.register_parameter(name, blob)
            else:
                self.register_buffer(name, blob)

    def __getstate__(self) -> dict[str, Any]:
        """Serialize the layer as its definition, for pickles and copies."""
        return {**self.__dict__, "layer": self.layer.definition.SerializeToString()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "layer": create_layer(pb.LayerParameter.FromString(state["layer"]))})

    def extra_repr(self) -> str:
        """Return the bottoms and tops."""
        definition = self.layer.definition
        return f"{', '.join(definition.bottom)} -> {', '.join(definition.top)}"

    def _get_name(self) -> str:
        return self.layer.type


class Step(NamedTuple):
    """A layer's step of a pass.

    child: the name of its module.
    bottoms, tops: the indices of its tensors.
    overwrites: the tensors that get the first top's values; see `overwritten`.
    done: the tensors not needed afterwards, to be freed.
    """

    child: str
    bottoms: list[int]
    tops: list[int]
    overwrites: list[int]
    done: list[int]


class TorchNet(nn.Module):
    """The layers of a net as child modules, run in the prototxt's order; created by `to_torch`.

    input_names, output_names: the blobs taken, in order, and returned by `forward`.
    input_shapes: the inputs' shapes in the prototxt, including the batch; passes accept batches of any size.
    """

    def __init__(self, plan: NetPlan, outputs: Sequence[str] | None = None):
        super().__init__()
        self._net_name = plan.name
        wanted = plan.outputs if outputs is None else [plan.blob_index(name) for name in outputs]
        source = _before_splits(plan)
        layers = [w for w in plan.layers if w.layer.type not in ("Input", "Split")]
        if outputs is not None:
            layers = _needed(layers, {source[i] for i in wanted}, source)
        read = {source[b] for w in layers for b in w.bottoms} | {source[i] for i in wanted}
        self._inputs = [i for i in plan.inputs if i in read]
        self._outputs = [source[i] for i in wanted]
        self.input_names = [plan.blob_names[i] for i in self._inputs]
        self.output_names = [plan.blob_names[i] for i in wanted]
        self.input_shapes = [plan.blob_shapes[i] for i in self._inputs]
        self._steps: list[Step] = []
        self._add_layers(layers, source)
        self._hold_blobs(plan, layers)

    def forward(self, *inputs: Tensor, **named: Tensor) -> Tensor | dict[str, Tensor]:
        """Run all layers on the inputs, given in order or by name.

        Returns the output, or a dict by name unless there is exactly one.
        """
        blobs = self._take(inputs, named)
        for step in self._steps:
            tops = self._modules[step.child](*[blobs[b] for b in step.bottoms])  # type: ignore[misc]
            blobs.update(zip(step.tops, (tops,) if isinstance(tops, Tensor) else tops, strict=True))
            for i in step.overwrites:
                if i in blobs:
                    blobs[i] = overwritten(blobs[i], blobs[step.tops[0]])
            for i in step.done:
                del blobs[i]
        outputs = [blobs[i] for i in self._outputs]
        return outputs[0] if len(outputs) == 1 else dict(zip(self.output_names, outputs, strict=True))

    def _get_name(self) -> str:
        return f"TorchNet '{self._net_name}'"

    def _take(self, inputs: Sequence[Tensor], named: Mapping[str, Tensor]) -> dict[int, Tensor]:
        given = dict(zip(self.input_names, inputs, strict=False))
        twice = given.keys() & named.keys()
        given.update(named)
        if len(inputs) > len(self.input_names) or twice or set(given) != set(self.input_names):
            raise CaffeError(
                f"net '{self._net_name}' takes the inputs {self.input_names}; got {len(inputs)} in order and "
                f"{list(named)} by name; to_torch(…, outputs=[…]) returns a net with only the inputs of these blobs"
            )
        return {i: given[name] for i, name in zip(self._inputs, self.input_names, strict=True)}

    def _add_layers(self, layers: Sequence[WiredLayer], source: Sequence[int]) -> None:
        last_use = {source[b]: k for k, w in enumerate(layers) for b in [*w.bottoms, *w.tops]}
        for k, wired in enumerate(layers):
            bottoms, tops = [source[b] for b in wired.bottoms], [source[t] for t in wired.tops]
            done = sorted(i for i in {*bottoms, *tops} if last_use[i] == k and i not in self._outputs)
            child = self._child_name(wired.name)
            self.add_module(child, TorchLayer(wired.layer, wired.param_shapes))
            overwrites = sorted({source[b] for b in wired.overwrites} - {*tops})
            self._steps.append(Step(child, bottoms, tops, overwrites, done))

    def _hold_blobs(self, plan: NetPlan, layers: Sequence[WiredLayer]) -> None:
        """Register the layers' blobs; a shared blob is the same tensor in all its layers."""
        statistics = {w.name for w in plan.layers if w.layer.statistics}
        used = {p for w in layers for p in w.params}
        blobs: dict[int, Tensor] = {}
        for p in sorted(used):
            values = torch.zeros(plan.params[p].blob.shape, dtype=torch.float32)
            blobs[p] = values if plan.params[p].owner in statistics else nn.Parameter(values)
        for step, wired in zip(self._steps, layers, strict=True):
            self.get_submodule(step.child).hold([blobs[p] for p in wired.params])  # type: ignore[operator]

    def _child_name(self, layer: str) -> str:
        """Return a valid child name: dots and empty names become `_`, and `_` is appended to existing names."""
        name = layer.replace(".", "_")
        while not name or hasattr(self, name):
            name += "_"
        return name


def to_torch(
    prototxt: str | os.PathLike[str] | pb.NetParameter,
    weights: str | os.PathLike[str] | Weights | None = None,
    *,
    phase: int = pb.TEST,
    level: int = 0,
    stages: Sequence[str] = (),
    outputs: Sequence[str] | None = None,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    seed: int = 0,
) -> TorchNet:
    """Convert a prototxt to a plain torch module, in `eval()` mode for TEST and in `train()` mode for TRAIN.

    prototxt: the file, of any Caffe version; or its definition, upgraded to the current format.
    weights: a caffemodel, an HDF5 file or a torch state dict, or arrays by layer name.  Layers without weights keep
        their fillers' values, as in Caffe, but a state dict must have all layers; differing shapes are an error.
    phase, level, stages: the state that the layers' include and exclude rules test.
    outputs: the blobs returned by the module, each as left by the last in-place layer; other layers are omitted.  None
        returns the net's own outputs, the blobs not consumed by any layer.
    input_shapes: shapes of inputs by name, including the batch, for data layers whose options don't determine them.
    seed: the seed of the fillers.

    Each layer except Input and automatic Splits is a child module under its name, `net.conv1`.  Dots become `_`, other
    characters stay (`net.get_submodule("inception_3a/1x1")`), and `_` is appended to an empty name or an attribute of
    torch's modules (`type`).  A child returns the layer's top, or a tuple of several.  In `state_dict` the blobs are
    `conv1.weight` and `conv1.bias`; other types' names are in `PARAM_NAMES`.  A blob shared by name is one parameter
    under several keys.

    Data layers (Data, ImageData, DummyData, …) become inputs: `net(data, label)`.  Batches may have any size, even if a
    Reshape layer fixes it.  Dropout and stochastic pooling are active in `train()` mode only and use torch's global
    random state.  Loss weights are not applied.  `torch.export` accepts the module with strict=False; `to_onnx` writes
    it as ONNX.

    Raises CaffeError for an invalid net or an unknown output, FormatError for an invalid file.
    """
    definition = prototxt if isinstance(prototxt, pb.NetParameter) else read_net(prototxt)
    state = pb.NetState(phase=pb.Phase.Name(phase), level=level, stage=[*definition.state.stage, *stages])
    shapes = {} if input_shapes is None else input_shapes
    with nullcontext() if prototxt is definition else naming(prototxt):
        plan = build(data_to_inputs(filter_layers(definition, state), shapes), phase, level, stages)
        plan.check_names()
    given = weights if weights is None or isinstance(weights, Mapping) else read_weights(weights)
    with nullcontext() if given is weights else naming(weights):
        check_claims(plan, given)
        if given is not weights and given is not None:
            check_whole(plan, given)
    free_batch(plan)
    net = TorchNet(plan, outputs)
    _fill(net, plan, {} if given is None else given, torch.Generator().manual_seed(seed))
    return net.train(phase == pb.TRAIN)


def param_names(layer: Layer, count: int) -> list[str]:
    """Return the names of a layer's blobs, in Caffe's order; additional ones are named by index."""
    names = PARAM_NAMES.get(layer.type, ("weight", "bias"))
    if getattr(layer, "static", False):
        names = STATIC_PARAM_NAMES[layer.type]
    if layer.type == "Scale" and len(layer.definition.bottom) > 1:
        names = ("bias",)
    return [names[i] if i < len(names) else f"blob{i}" for i in range(count)]


def _before_splits(plan: NetPlan) -> list[int]:
    """Return for each blob the source from which Split layers copy it, or itself."""
    source = list(range(len(plan.blob_names)))
    for wired in plan.layers:
        if wired.layer.type == "Split":
            for top in wired.tops:
                source[top] = source[wired.bottoms[0]]
    return source


def _needed(layers: Sequence[WiredLayer], wanted: set[int], source: Sequence[int]) -> list[WiredLayer]:
    """Return the layers needed for the blobs `wanted`."""
    needed: list[WiredLayer] = []
    for wired in reversed(layers):
        tops = {source[t] for t in wired.tops}
        if wanted & {*tops, *(source[b] for b in wired.overwrites)}:
            needed.insert(0, wired)
            wanted = (wanted - tops) | {source[b] for b in wired.bottoms}
    return needed


def _fill(net: TorchNet, plan: NetPlan, weights: Weights, generator: torch.Generator) -> None:
    """Initialize all blobs from `weights`, and by the fillers for layers without weights."""
    modules = {m.caffe_name: m for m in net.children() if isinstance(m, TorchLayer)}
    layers = []
    for wired in plan.layers:
        if wired.name not in modules:
            continue
        blobs = modules[wired.name].params()
        if wired.name not in weights:
            for blob, p, own in zip(blobs, wired.params, wired.owns, strict=True):
                if own:
                    plan.params[p].blob.begin(blob.data, generator)
        slots = [
            Slot(tuple(blob.shape), partial(_assign, blob), shared=not own)
            for blob, own in zip(blobs, wired.owns, strict=True)
        ]
        layers.append((wired.name, slots))
    copy_weights(layers, weights)


def _assign(blob: Tensor, values: Tensor) -> None:
    blob.data.copy_(values)
