"""`CaffeModule`: a net, or a slice of one, as a `torch.nn.Module` with batches of any size.

    module = CaffeModule(read_net("deploy.prototxt"), weights=read_weights("net.caffemodel"))
    scores = module(images)["prob"]
    conv5 = module(images, end="conv5")["conv5"]

The layers' functions are those of `Net`; blobs are not kept, so memory holds only what autograd needs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import CaffeError, closest
from .. import layer_types  # noqa: F401  (registers the layer types)
from ..proto import pb
from ..syncedmem import HOST
from ..wiring.build import NetPlan, WiredLayer, build
from ..wiring.weights import Slot, Weights, check_layers, check_weights, copy_weights
from .overwritten import overwritten


class CaffeModule(nn.Module):
    """The layers of one phase of a net as a torch module.

    definition: the net, upgraded to the current format.
    phase: TEST or TRAIN, selects the layers; dropout and BatchNorm follow `train()` and `eval()`, as in any torch
        module.
    weights: the blobs of each layer by name; None initializes them by the prototxt's fillers.
    seed: the seed of the fillers and of dropout masks.

    Parameters are named `<layer>/<index>`; `·` replaces dots in layer names, forbidden by torch.  BatchNorm's
    statistics are buffers.
    """

    def __init__(
        self,
        definition: pb.NetParameter,
        weights: Weights | None = None,
        *,
        phase: int = pb.TEST,
        stages: Sequence[str] = (),
        seed: int = 0,
    ):
        super().__init__()
        self._seed, self._generators = seed, {HOST: torch.Generator().manual_seed(seed)}
        self.plan: NetPlan = build(definition, phase, stages=stages, generator=self._generators[HOST])
        self.plan.check_names()
        free_batch(self.plan)
        statistics = {w.name for w in self.plan.layers if w.layer.statistics}
        self._keys: list[str] = []
        check_claims(self.plan, weights)
        for param in self.plan.params:
            blob = torch.empty(param.blob.shape, dtype=torch.float32)
            param.blob.begin(blob, self._generators[blob.device])
            key = param_key(param.owner, param.index)
            if param.owner in statistics:
                self.register_buffer(key, blob)
            else:
                self.register_parameter(key, nn.Parameter(blob))
            self._keys.append(key)
        for wired in self.plan.layers:
            wired.context.param_gradients = False
        self.train(phase == pb.TRAIN)
        if weights is not None:
            self.copy_from(weights)

    @property
    def input_names(self) -> list[str]:
        return [self.plan.blob_names[i] for i in self.plan.inputs]

    @property
    def output_names(self) -> list[str]:
        return [self.plan.blob_names[i] for i in self.plan.outputs]

    @property
    def layer_names(self) -> list[str]:
        return [w.name for w in self.plan.layers]

    def forward(
        self,
        *inputs: Tensor,
        start: str | None = None,
        end: str | None = None,
        keep: Sequence[str] = (),
        **named: Tensor,
    ) -> dict[str, Tensor]:
        """Run the layers from `start` to `end`, inclusive, and return blobs by name.

        inputs: the net's inputs in order or by name; with `start`, that layer's bottoms by name.  Given all tops of a
            data layer by name, the layer is not run.
        end: stop after this layer and return its tops, before a following in-place layer.
        keep: additional blobs to return, as left by the last layer run.
        """
        blobs = self._inputs(inputs, named)
        first = 0 if start is None else self.plan.layer_index(start)
        last = len(self.plan.layers) - 1 if end is None else self.plan.layer_index(end)
        for wired in self.plan.layers[first : last + 1]:
            if not self._is_given(wired, blobs):
                self._run(wired, blobs)
        wanted = self.output_names if end is None else [self.plan.blob_names[t] for t in self.plan.layers[last].tops]
        return {name: self._find(name, blobs) for name in (*wanted, *keep)}

    def values_at(self, layers: Sequence[str], *inputs: Tensor, **named: Tensor) -> dict[str, Tensor]:
        """Return the first top of each of `layers`, before following in-place layers.

        inputs: the net's inputs in order or by name.
        """
        blobs = self._inputs(inputs, named)
        places = {self.plan.layer_index(layer): layer for layer in layers}
        found = {}
        for i, wired in enumerate(self.plan.layers[: max(places) + 1]):
            if not self._is_given(wired, blobs):
                self._run(wired, blobs)
            if i in places:
                found[places[i]] = self._find(self.plan.blob_names[wired.tops[0]], blobs)
        return found

    def loss(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """Return the weighted sum of the losses among the outputs of a complete pass."""
        terms = [
            weight * outputs[self.plan.blob_names[top]].sum()
            for wired in self.plan.layers
            for top, weight in zip(wired.tops, wired.loss_weights, strict=True)
            if weight and self.plan.blob_names[top] in outputs
        ]
        if not terms:
            raise CaffeError(f"net '{self.plan.name}' has no loss among the outputs {sorted(outputs)}")
        return torch.stack(terms).sum()

    def place(self, device: str | torch.device) -> CaffeModule:
        """Move to `device`, with weights in channels-last memory format, the fastest for convolutions."""
        self.to(device)
        for param in self.parameters():
            if param.dim() == 4:
                param.data = param.data.contiguous(memory_format=torch.channels_last)
        return self

    @property
    def device(self) -> torch.device:
        return next(iter((*self.parameters(), *self.buffers())), torch.empty(0)).device

    def parameter(self, index: int) -> Tensor:
        """Return the parameter at this index of `plan.params`."""
        return self._value(self._keys[index])

    def layer_params(self) -> Iterator[tuple[str, list[Tensor]]]:
        """Yield each layer with parameters and their list, in order; shared ones appear in each layer."""
        for wired in self.plan.layers:
            if wired.params:
                yield wired.name, self._params(wired)

    def weights(self) -> dict[str, list[np.ndarray]]:
        """Return the parameters as float32 arrays by layer name, in the form of the weight writers."""
        return {
            name: [p.detach().to("cpu", torch.float32).contiguous().numpy().copy() for p in params]
            for name, params in self.layer_params()
        }

    def copy_from(self, weights: Weights) -> None:
        """Copy the blobs of layers with matching names, ignoring others, as in Caffe.

        Layers missing in `weights` keep their values.  Differing shapes are an error, except for Caffe's legacy 4-axis
        shapes with equal counts.
        """
        copy_weights(((w.name, self._slots(w)) for w in self.plan.layers if w.params), weights)

    def seed(self, seed: int) -> None:
        """Seed the random numbers of dropout and other random layers."""
        self._seed = seed
        for generator in self._generators.values():
            generator.manual_seed(seed)

    def _is_given(self, wired: WiredLayer, blobs: Mapping[str, Tensor]) -> bool:
        """Return whether the caller provides the layer's tops: of an Input layer, or given for a data layer."""
        if wired.layer.type == "Input":
            return True
        return not wired.bottoms and bool(wired.tops) and all(self.plan.blob_names[t] in blobs for t in wired.tops)

    def _run(self, wired: WiredLayer, blobs: dict[str, Tensor]) -> None:
        context = wired.context
        context.phase = pb.TRAIN if self.training else pb.TEST
        names = self.plan.blob_names
        bottoms = [self._find(names[b], blobs) for b in wired.bottoms]
        context.generator = self._generator(bottoms[0].device if bottoms else self.device)
        tops = wired.layer.forward(context, bottoms, self._params(wired))
        context.state.clear()
        blobs.update((names[t], value) for t, value in zip(wired.tops, tops, strict=True))
        for name in (names[b] for b in wired.overwrites):
            if name in blobs:
                blobs[name] = overwritten(blobs[name], tops[0])

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(self._seed)
        return self._generators[device]

    def _params(self, wired: WiredLayer) -> list[Tensor]:
        values = [self._value(self._keys[p]) for p in wired.params]
        return [v if v.shape == shape else v.view(shape) for v, shape in zip(values, wired.param_shapes, strict=True)]

    def _slots(self, wired: WiredLayer) -> list[Slot]:
        return [
            Slot(shape, partial(_assign, self._value(self._keys[p])), shared=not own)
            for p, shape, own in zip(wired.params, wired.param_shapes, wired.owns, strict=True)
        ]

    def _value(self, key: str) -> Tensor:
        parameter = self._parameters.get(key)
        value = parameter if parameter is not None else self._buffers[key]
        assert value is not None
        return value

    def _inputs(self, inputs: Sequence[Tensor], named: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if len(inputs) > len(self.plan.inputs):
            raise CaffeError(
                f"net '{self.plan.name}' takes {len(self.plan.inputs)} inputs {self.input_names}; got {len(inputs)}"
            )
        blobs = dict(zip(self.input_names, inputs, strict=False))
        for name, value in named.items():
            self.plan.blob_index(name)
            blobs[name] = value
        return blobs

    def _find(self, name: str, blobs: Mapping[str, Tensor]) -> Tensor:
        if name in blobs:
            return blobs[name]
        self.plan.blob_index(name)
        raise CaffeError(
            f"net '{self.plan.name}': blob '{name}' was neither given nor computed; available: {closest(name, blobs)}"
        )


def free_batch(plan: NetPlan) -> None:
    """Make Reshape layers that fix the batch size copy it instead; the published generators fix it to 1.

    Layers that split the batch axis alone, say into frames and clips, keep their sizes.
    """
    for wired in plan.layers:
        if wired.layer.type == "Reshape" and not _splits_batch(wired):
            options = wired.layer.definition.reshape_param
            batch = plan.blob_shapes[wired.bottoms[0]][0]
            if options.axis == 0 and options.shape.dim and options.shape.dim[0] == batch:
                options.shape.dim[0] = 0


def clip_layer(plan: NetPlan) -> str | None:
    """Return the layer that splits the batch axis into frames and clips; None if the net's inputs are images."""
    return next((wired.name for wired in plan.layers if _splits_batch(wired)), None)


def check_sees_images(plan: NetPlan, part: str) -> None:
    """Raise CaffeError for a net that takes clips; `part` names the component that needs a net of single images."""
    clips = clip_layer(plan)
    if clips is not None:
        raise CaffeError(f"net '{plan.name}' sees clips (layer '{clips}' splits its batch), and {part} sees one image")


def _splits_batch(wired: WiredLayer) -> bool:
    options = wired.layer.definition.reshape_param
    alone = options.axis == 0 and options.num_axes == 1 and len(options.shape.dim) > 1
    return wired.layer.type == "Reshape" and alone


def check_whole(plan: NetPlan, weights: Weights) -> None:
    """Raise CaffeError if the weights are a state dict, and not of exactly the layers of the net."""
    check_layers(plan.name, ((w.name, _empty_slots(w)) for w in plan.layers if w.params), weights)


def check_claims(plan: NetPlan, weights: Weights | None) -> None:
    """Raise CaffeError unless the weights fit and the parameters fit into memory; allocates nothing."""
    if weights is not None:
        check_weights(((w.name, _empty_slots(w)) for w in plan.layers if w.params), weights)
    size = sum(math.prod(param.blob.shape) for param in plan.params) * torch.float32.itemsize
    if size > os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"):
        raise CaffeError(f"net '{plan.name}': its parameters take {size} bytes, more than the machine's memory")


def _empty_slots(wired: WiredLayer) -> list[Slot]:
    """Return slots that have shapes and ignore values."""
    return [
        Slot(shape, lambda values: None, shared=not own)
        for shape, own in zip(wired.param_shapes, wired.owns, strict=True)
    ]


def param_key(layer: str, index: int) -> str:
    """Return the name of a layer's parameter in `state_dict`."""
    return f"{layer.replace('.', '·')}/{index}"


def _assign(param: Tensor, values: Tensor) -> None:
    with torch.no_grad():
        param.copy_(values.view(param.shape))
