"""A net, or a slice of one, as a `torch.nn.Module`: batches of any size, autograd, `state_dict`.

    module = CaffeModule(read_net("deploy.prototxt"), weights=read_weights("net.caffemodel"))
    scores = module(images)["prob"]
    conv5 = module(images, end="conv5")["conv5"]

The layers' functions are those of the eager `Net`; no blob is kept, so memory holds what autograd needs.
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
from ..blob import HOST
from ..proto import pb
from ..wiring.build import NetPlan, WiredLayer, build
from ..wiring.weights import Slot, Weights, check_weights, copy_weights


class CaffeModule(nn.Module):
    """The layers of one phase of a net, as torch.

    definition: the net, upgraded to the present form.
    phase: which layers are taken (TEST or TRAIN); whether dropout and BatchNorm act as in training follows
        `train()` and `eval()`, as in any torch module.
    weights: the blobs of each layer by its name; None fills them as the prototxt's fillers say.
    seed: for the fillers and for dropout's masks.

    Parameters are named `<layer>/<index>`, with dots in layer names as in the prototxt shown as `·`, since torch
    forbids them.  BatchNorm's statistics are buffers.
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
            blob = torch.empty(param.blob.shape)
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
        """Run the layers from `start` to `end`, both included, and return blobs by name.

        inputs: the net's inputs in order, or by name; with `start`, that layer's bottoms by name.  Tops of a data layer
            may be given by name, all of them, and the layer then isn't run.
        end: stop after this layer and return its tops, as they are then (an in-place layer that follows has not run).
        keep: more blobs to return, as the last layer that ran left them.
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
        """The first top of each of `layers` as the layer leaves it, before any layer in place that follows.

        inputs: the net's inputs in order, or by name.
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
        """The weighted sum of the losses among a whole pass's outputs."""
        terms = [
            weight * outputs[self.plan.blob_names[top]].sum()
            for wired in self.plan.layers
            for top, weight in zip(wired.tops, wired.loss_weights, strict=True)
            if weight and self.plan.blob_names[top] in outputs
        ]
        if not terms:
            raise CaffeError(f"net '{self.plan.name}' has no loss among {sorted(outputs)}")
        return torch.stack(terms).sum()

    def place(self, device: str | torch.device) -> CaffeModule:
        """Move to `device`, with the weights channels last, in which memory format convolutions run fastest."""
        self.to(device)
        for param in self.parameters():
            if param.dim() == 4:
                param.data = param.data.contiguous(memory_format=torch.channels_last)
        return self

    @property
    def device(self) -> torch.device:
        return next(iter((*self.parameters(), *self.buffers())), torch.empty(0)).device

    def parameter(self, index: int) -> Tensor:
        """The parameter at this place of `plan.params`."""
        return self._value(self._keys[index])

    def layer_params(self) -> Iterator[tuple[str, list[Tensor]]]:
        """Each layer that has parameters, with them in order; shared ones appear with each layer that has them."""
        for wired in self.plan.layers:
            if wired.params:
                yield wired.name, self._params(wired)

    def weights(self) -> dict[str, list[np.ndarray]]:
        """The parameters as float32 arrays by layer name, as the writers of weights take them."""
        return {
            name: [p.detach().to("cpu", torch.float32).contiguous().numpy().copy() for p in params]
            for name, params in self.layer_params()
        }

    def copy_from(self, weights: Weights) -> None:
        """Copy the blobs of all layers of the same name; layers that this net lacks are passed over, as in Caffe.

        A layer of the net that `weights` lacks keeps its values.  Differing shapes are an error, but for Caffe's old
        4-axis ones that hold as many numbers.
        """
        copy_weights(((w.name, self._slots(w)) for w in self.plan.layers if w.params), weights)

    def seed(self, seed: int) -> None:
        """Start the random draws of dropout and its like anew."""
        self._seed = seed
        for generator in self._generators.values():
            generator.manual_seed(seed)

    def _is_given(self, wired: WiredLayer, blobs: Mapping[str, Tensor]) -> bool:
        """Whether the caller is to bring the layer's tops, or has brought those of a data layer."""
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
                f"net '{self.plan.name}' takes {len(self.plan.inputs)} inputs {self.input_names}, and got {len(inputs)}"
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
            f"net '{self.plan.name}': blob '{name}' was not given or computed; there are {closest(name, blobs)}"
        )


def free_batch(plan: NetPlan) -> None:
    """Let Reshape layers copy the batch axis where the prototxt writes its size out, as the published generators do.

    Those that split that axis alone, say into frames and clips, mean the size that they give.
    """
    for wired in plan.layers:
        if wired.layer.type == "Reshape" and not _splits_batch(wired):
            options = wired.layer.definition.reshape_param
            batch = plan.blob_shapes[wired.bottoms[0]][0]
            if options.axis == 0 and options.shape.dim and options.shape.dim[0] == batch:
                options.shape.dim[0] = 0


def clip_layer(plan: NetPlan) -> str | None:
    """The layer that splits the batch axis, of a net whose inputs are the frames of clips; None of other nets."""
    return next((wired.name for wired in plan.layers if _splits_batch(wired)), None)


def check_sees_images(plan: NetPlan, part: str) -> None:
    """Raise CaffeError for a net that sees clips, where what `part` names takes one that sees an image."""
    clips = clip_layer(plan)
    if clips is not None:
        raise CaffeError(f"net '{plan.name}' sees clips (layer '{clips}' splits its batch), and {part} sees one image")


def _splits_batch(wired: WiredLayer) -> bool:
    options = wired.layer.definition.reshape_param
    alone = options.axis == 0 and options.num_axes == 1 and len(options.shape.dim) > 1
    return wired.layer.type == "Reshape" and alone


def check_claims(plan: NetPlan, weights: Weights | None) -> None:
    """Raise CaffeError unless the weights fit, and memory can hold all parameters; before anything is allocated."""
    if weights is not None:
        check_weights(((w.name, _empty_slots(w)) for w in plan.layers if w.params), weights)
    size = sum(math.prod(param.blob.shape) for param in plan.params) * torch.float32.itemsize
    if size > os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"):
        raise CaffeError(f"net '{plan.name}': its parameters take {size} bytes, more than this machine's memory")


def _empty_slots(wired: WiredLayer) -> list[Slot]:
    """Slots that tell their shapes and take nothing."""
    return [
        Slot(shape, lambda values: None, shared=not own)
        for shape, own in zip(wired.param_shapes, wired.owns, strict=True)
    ]


def param_key(layer: str, index: int) -> str:
    """The name of a layer's parameter in `state_dict`."""
    return f"{layer.replace('.', '·')}/{index}"


def _assign(param: Tensor, values: Tensor) -> None:
    with torch.no_grad():
        param.copy_(values.view(param.shape))
