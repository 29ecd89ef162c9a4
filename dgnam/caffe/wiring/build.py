"""Net construction: from a definition to wired layers, with phases, rules, splits, in-place tops, shared parameters.

The result is a plan: which layers run, in which order, on which blobs and parameters.  `Net` and `CaffeModule` are both
built from it.  Its blobs allocate no memory until written to.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from ...errors import CaffeError, DgnamError, closest, naming, shortened, unknown_name
from ..blob import Blob, check_shape
from ..filler import check_filler
from ..layer import AUTOMATIC, BlobLayer, Context, Layer, Needs, ParamBlob, Shape, create_layer
from ..proto import pb
from .given_blobs import given_blobs

_MAX_SPLIT_NAMES = 1 << 26
"""Limit for the characters in all names of split blobs, against memory exhaustion by hostile files."""


@dataclass
class WiredLayer:
    """A layer with the indices of its blobs (into `NetPlan.blob_names`) and parameters (into `NetPlan.params`)."""

    layer: Layer
    context: Context
    bottoms: list[int]
    tops: list[int]
    params: list[int]
    loss_weights: list[float]
    param_shapes: list[Shape] = field(default_factory=list)
    """This layer's shapes of its parameters; a permissively shared one may have another shape in its owner."""
    owns: list[bool] = field(default_factory=list)
    """Which parameters the layer owns, as opposed to sharing an earlier layer's."""
    needs: Needs = field(default_factory=lambda: Needs((), ()))
    """The gradients computed here by a backward pass through the whole net."""
    backward: bool = False
    """Whether a backward pass runs the layer."""
    overwrites: list[int] = field(default_factory=list)
    """The blobs made before that share the memory of the first top, in place, and get its values."""

    @property
    def name(self) -> str:
        return self.layer.name


@dataclass
class Param:
    """A learned blob: its owner, its index among the owner's blobs, and its learning-rate and decay multipliers."""

    owner: str
    index: int
    blob: ParamBlob
    lr_mult: float
    decay_mult: float
    given: set[str] = field(default_factory=set)
    """The multipliers given in the prototxt; the first layer giving one decides for all sharing layers."""


@dataclass
class NetPlan:
    """A wired net: its layers in order, the names and shapes of its blobs, and its parameters, shared ones once.

    Layers may share a name or have none, as in Caffe.
    """

    name: str
    force_backward: bool
    layers: list[WiredLayer] = field(default_factory=list)
    blob_names: list[str] = field(default_factory=list)
    blobs: list[Blob] = field(default_factory=list)
    params: list[Param] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    @property
    def blob_shapes(self) -> list[Shape]:
        """The current shapes of the blobs."""
        return [blob.axes for blob in self.blobs]

    def check_names(self) -> None:
        """Raise CaffeError if several layers with parameters share a name."""
        names = Counter(wired.name for wired in self.layers if wired.params)
        for name, count in names.items():
            if count > 1:
                raise CaffeError(
                    f"net '{self.name}': {count} layers with parameters are named '{name}'; give each its own name"
                )

    def layer_index(self, name: str) -> int:
        """Return the index of the first layer of this name; raises UnknownNameError with the closest names."""
        names = [w.name for w in self.layers]
        if name not in names:
            raise unknown_name(self.name, "layer", name, names)
        return names.index(name)

    def blob_index(self, name: str) -> int:
        """Return the index of the blob of this name; raises UnknownNameError with the closest names."""
        if name not in self.blob_names:
            raise unknown_name(self.name, "blob", name, self.blob_names)
        return self.blob_names.index(name)


@dataclass
class _Known:
    """The names so far: all blobs, blobs not yet consumed, shared parameters."""

    blobs: set[str] = field(default_factory=set)
    available: dict[str, int] = field(default_factory=dict)
    shared: dict[str, int] = field(default_factory=dict)
    memory: dict[int, list[int]] = field(default_factory=dict)
    """The blobs that share the memory of each blob, and itself; one list for all of them."""


def build(
    definition: pb.NetParameter,
    phase: int,
    level: int = 0,
    stages: Sequence[str] = (),
    *,
    generator: torch.Generator | None = None,
) -> NetPlan:
    """Wire the layers of `definition` included in `phase`, `level`, `stages` and the definition's own stages.

    definition: in the current format (`layer`, no `layers` or `input`); see `proto/upgrade.py`.
    generator: the random state for layers that fill their tops in set-up; None is torch's global one.
    """
    stages = [*definition.state.stage, *stages]
    state = pb.NetState(phase=pb.Phase.Name(phase), level=level, stage=stages)
    left_out = {top: layer.name for layer in definition.layer if not _included(layer, state) for top in layer.top}
    wanted = insert_splits(filter_layers(definition, state), left_out)
    plan = NetPlan(definition.name, definition.force_backward)
    known = _Known()
    for message in wanted.layer:
        if not message.HasField("phase"):
            message.phase = state.phase
        _wire(plan, message, known, generator)
    plan.outputs = [known.available[name] for name in sorted(known.available)]
    _plan_backward(plan)
    return plan


def filter_layers(definition: pb.NetParameter, state: pb.NetState) -> pb.NetParameter:
    """Return the definition with only the layers whose include and exclude rules admit `state`."""
    kept = pb.NetParameter()
    kept.CopyFrom(definition)
    del kept.layer[:]
    for layer in definition.layer:
        if _included(layer, state):
            kept.layer.add().CopyFrom(layer)
    return kept


def _included(layer: pb.LayerParameter, state: pb.NetState) -> bool:
    if layer.include and layer.exclude:
        raise CaffeError(f"layer '{layer.name}': use either include rules or exclude rules, not both")
    if layer.include:
        return any(_meets(state, rule) for rule in layer.include)
    return not any(_meets(state, rule) for rule in layer.exclude)


def _meets(state: pb.NetState, rule: pb.NetStateRule) -> bool:
    return (
        (not rule.HasField("phase") or rule.phase == state.phase)
        and (not rule.HasField("min_level") or state.level >= rule.min_level)
        and (not rule.HasField("max_level") or state.level <= rule.max_level)
        and all(stage in state.stage for stage in rule.stage)
        and not any(stage in state.stage for stage in rule.not_stage)
    )


def insert_splits(definition: pb.NetParameter, left_out: Mapping[str, str] | None = None) -> pb.NetParameter:
    """Return the definition with a Split layer after each blob consumed by several layers, under Caffe's names.

    left_out: the blobs of layers that are not in this state, with the layers' names, for errors.
    """
    source: dict[str, tuple[int, int]] = {}
    takers: Counter[tuple[int, int]] = Counter()
    takes: list[list[tuple[int, int]]] = []
    for i, layer in enumerate(definition.layer):
        for name in layer.bottom:
            if name not in source:
                known = closest(name, source) if source else "none"
                elsewhere = None if left_out is None else left_out.get(name)
                raise CaffeError(
                    f"layer '{layer.name}' ({layer.type}): unknown bottom blob '{name}'; blobs made before it: {known}"
                    + ("" if elsewhere is None else f"; layer '{elsewhere}' makes it in another phase, level or stage")
                )
        takes.append([source[name] for name in layer.bottom])
        takers.update(takes[-1])
        for j, name in enumerate(layer.top):
            source[name] = (i, j)
    # A top that also counts as a loss is read once more, by the loss.
    for i, layer in enumerate(definition.layer):
        for j in range(min(len(layer.top), len(layer.loss_weight))):
            if layer.loss_weight[j] and takers[(i, j)]:
                takers[(i, j)] += 1
    _check_split_names(definition, takers)
    split = pb.NetParameter()
    split.CopyFrom(definition)
    del split.layer[:]
    used: defaultdict[tuple[int, int], int] = defaultdict(int)
    for i, layer in enumerate(definition.layer):
        new = split.layer.add()
        new.CopyFrom(layer)
        for k, key in enumerate(takes[i]):
            if takers[key] > 1:
                maker = definition.layer[key[0]]
                new.bottom[k] = _split_blob(maker.name, maker.top[key[1]], key[1], used[key])
                used[key] += 1
        for j, name in enumerate(layer.top):
            count = takers[(i, j)]
            if count > 1:
                weight = layer.loss_weight[j] if j < len(layer.loss_weight) else 0
                _add_split(split, layer.name, name, j, count, weight)
                if weight:
                    # Caffe removes all of the layer's weights with this one; a loss then has its default weight of 1.
                    del new.loss_weight[:]
                    used[(i, j)] += 1
    return split


def _check_split_names(definition: pb.NetParameter, takers: Mapping[tuple[int, int], int]) -> None:
    size = 0
    for (i, j), count in takers.items():
        maker = definition.layer[i]
        size += count * (len(maker.name) + len(maker.top[j])) if count > 1 else 0
        if size > _MAX_SPLIT_NAMES:
            raise CaffeError(
                f"layer '{shortened(maker.name)}': {count} layers take its top '{shortened(maker.top[j])}'; the names "
                f"of the copies exceed {_MAX_SPLIT_NAMES} characters in all; shorten the names"
            )


def _split_blob(layer: str, blob: str, top: int, taker: int) -> str:
    return f"{blob}_{layer}_{top}_split_{taker}"


def _add_split(net: pb.NetParameter, layer: str, blob: str, top: int, count: int, loss_weight: float) -> None:
    split = net.layer.add(name=f"{blob}_{layer}_{top}_split", type="Split", bottom=[blob])
    split.top.extend(_split_blob(layer, blob, top, k) for k in range(count))
    if loss_weight:
        split.loss_weight.extend([loss_weight] + [0.0] * (count - 1))


def _wire(plan: NetPlan, message: pb.LayerParameter, known: _Known, generator: torch.Generator | None) -> None:
    """Add one layer to the plan, and its names to the known ones."""
    layer = create_layer(message)
    context = Context(message.phase, generator)
    bottoms = [_take(layer, name, known) for name in message.bottom]
    tops = [_top(plan, layer, k, bottoms, known) for k in range(len(message.top))]
    blobs = _set_up(layer, context, [plan.blobs[b] for b in bottoms], [plan.blobs[t] for t in tops])
    if len(message.param) > len(blobs):
        raise layer.fail(f"has {len(message.param)} param entries for {len(blobs)} parameters")
    before = len(plan.params)
    params = [_param(plan, layer, i, blob, known.shared) for i, blob in enumerate(blobs)]
    if message.type == "Input":
        plan.inputs.extend(tops)
    owns = [plan.params[p].index == i and p >= before for i, p in enumerate(params)]
    shapes = [tuple(blob.shape) for blob in blobs]
    wired = WiredLayer(layer, context, bottoms, tops, params, _loss_weights(layer), shapes, owns)
    wired.overwrites = _share_memory(wired, known.memory)
    plan.layers.append(wired)


def _share_memory(wired: WiredLayer, memory: dict[int, list[int]]) -> list[int]:
    """Enter the layer's tops into `memory`; returns the other blobs that it overwrites with its first top in place."""
    shares = bool(wired.bottoms) and wired.layer.shares != "nothing"
    written = wired.tops[:1] if wired.layer.in_place else []
    overwritten = [blob for top in written for blob in memory[top] if blob != top]
    for top in wired.tops:
        if top not in memory:
            memory[top] = memory[wired.bottoms[0]] if shares else []
            memory[top].append(top)
    return overwritten


def _take(layer: Layer, name: str, known: _Known) -> int:
    """Return the bottom of this name and mark it as consumed."""
    if name not in known.available:
        free = closest(name, known.available)
        raise layer.fail(f"bottom blob '{name}' is unknown or already taken; available: {free}")
    return known.available.pop(name)


def _top(plan: NetPlan, layer: Layer, k: int, bottoms: Sequence[int], known: _Known) -> int:
    """Return the k-th top: the bottom of the same index and name (in place) or a new blob."""
    definition = layer.definition
    name = definition.top[k]
    if k < len(definition.bottom) and name == definition.bottom[k]:
        known.available[name] = bottoms[k]
        return bottoms[k]
    if name in known.blobs:
        raise layer.fail(f"top blob '{name}' is also a top of an earlier layer")
    plan.blob_names.append(name)
    plan.blobs.append(Blob())
    top = len(plan.blobs) - 1
    if name != AUTOMATIC:
        known.blobs.add(name)
        known.available[name] = top
    return top


def _set_up(layer: Layer, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> list[ParamBlob]:
    """Shape the tops; returns the layer's learned blobs."""
    if isinstance(layer, BlobLayer):
        with naming(f"layer '{shortened(layer.name)}' ({layer.type})"):
            layer.set_up(context, bottoms, tops)
        return [ParamBlob(blob.axes, pb.FillerParameter(), made=blob) for blob in layer.blobs]
    shapes = [b.axes for b in bottoms]
    params = layer.param_blobs(shapes)
    for k, (top, shape) in enumerate(zip(tops, layer.top_shapes(shapes), strict=True)):
        _check_blob(layer, f"top '{layer.definition.top[k]}'", shape)
        if k < len(bottoms) and top is bottoms[k] and math.prod(shape) != top.count:
            name = layer.definition.top[k]
            raise layer.fail(f"can't run in place: bottom '{name}' is {top.axes} and the top is {shape}")
        top.reshape(*shape)
    return given_blobs(layer, params) if layer.definition.blobs else params


def _param(plan: NetPlan, layer: Layer, index: int, blob: ParamBlob, shared: dict[str, int]) -> int:
    """Return the parameter's index in the plan; a shared one has the index of the first of its name."""
    _check_blob(layer, f"parameter {index}", blob.shape, blob.filler)
    specs = layer.definition.param
    spec = specs[index] if index < len(specs) else pb.ParamSpec()
    if spec.name and spec.name in shared:
        owner = plan.params[shared[spec.name]]
        permissive = spec.share_mode == pb.ParamSpec.PERMISSIVE
        measure: Callable[[Shape], object] = math.prod if permissive else tuple
        if measure(owner.blob.shape) != measure(blob.shape):
            raise layer.fail(
                f"parameter '{spec.name}' of shape {blob.shape} can't be shared with layer '{owner.owner}', "
                f"where it has shape {owner.blob.shape}"
            )
        for option in _given(spec):
            if option in owner.given and getattr(spec, option) != getattr(owner, option):
                raise layer.fail(f"shared parameter '{spec.name}' has another {option} than in layer '{owner.owner}'")
            setattr(owner, option, getattr(spec, option))
            owner.given.add(option)
        return shared[spec.name]
    lr_mult = 0.0 if layer.statistics else spec.lr_mult
    plan.params.append(Param(layer.name, index, blob, lr_mult, spec.decay_mult, _given(spec)))
    if spec.name:
        shared[spec.name] = len(plan.params) - 1
    return len(plan.params) - 1


def _check_blob(layer: Layer, what: str, shape: Shape, filler: pb.FillerParameter | None = None) -> None:
    """Check Caffe's limits before allocation: a prototxt can claim any shape."""
    try:
        check_shape(shape)
        if filler is not None:
            check_filler(shape, filler)
    except DgnamError as error:
        raise layer.fail(f"{what}: {error}") from None


def _given(spec: pb.ParamSpec) -> set[str]:
    return {option for option in ("lr_mult", "decay_mult") if spec.HasField(option)}


def _loss_weights(layer: Layer) -> list[float]:
    given = list(layer.definition.loss_weight)
    if layer.loss and not given:
        given = [1.0]
    if given and len(given) != len(layer.definition.top):
        raise layer.fail(
            f"has {len(given)} loss weights for {len(layer.definition.top)} tops; give one to each"
            + (", as this type has a weight of 1 by itself" if layer.loss else " or none")
        )
    return given if given else [0.0] * len(layer.definition.top)


def _plan_backward(plan: NetPlan) -> None:
    """Determine which layers a backward pass runs and which gradients they compute, as Caffe does.

    A gradient is needed between a learned parameter and a loss; force_backward requests all.
    """
    _learning_below(plan)
    _loss_above(plan)
    if plan.force_backward:
        for wired in plan.layers:
            wanted = [need or i not in wired.layer.unforced for i, need in enumerate(wired.needs.bottoms)]
            wired.needs = Needs(wanted, [True] * len(wired.params))
            wired.backward = True


def _learning_below(plan: NetPlan) -> None:
    """Propagate upward: a layer computes gradients if it, or one below, has a learned parameter."""
    below = [False] * len(plan.blob_names)
    for wired in plan.layers:
        definition = wired.layer.definition
        bottoms = [below[b] for b in wired.bottoms]
        learns = [spec.lr_mult != 0 for spec in definition.param]
        learns += [True] * (len(wired.params) - len(learns))
        wired.backward = any(bottoms) or any(learns)
        if definition.propagate_down:
            if len(definition.propagate_down) != len(bottoms):
                raise wired.layer.fail(
                    f"has {len(definition.propagate_down)} propagate_down entries for {len(bottoms)} bottoms; "
                    "give one to each or none"
                )
            bottoms = list(definition.propagate_down)
        wired.needs = Needs(bottoms, learns)
        for top in wired.tops:
            below[top] = below[top] or wired.backward


def _loss_above(plan: NetPlan) -> None:
    """Propagate downward: layers without a loss above, or cut off from it by propagate_down, need no gradient."""
    under_loss: set[int] = set()
    cut_off: set[int] = set()
    for wired in reversed(plan.layers):
        weighs = any(wired.loss_weights) or any(top in under_loss for top in wired.tops)
        skipped = all(top in cut_off for top in wired.tops)
        if (wired.backward and skipped) or not weighs:
            wired.backward = False
            wired.needs = Needs([False] * len(wired.bottoms), wired.needs.params)
        if weighs:
            under_loss.update(wired.bottoms)
        cut_off.update(b for b, need in zip(wired.bottoms, wired.needs.bottoms, strict=True) if not need)
