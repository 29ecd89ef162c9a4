"""Layers and the registry of layer types.

A layer has a definition (its `LayerParameter`), the shapes that follow from it, and one torch function from bottoms and
parameters to tops.  State kept between passes (a dropout mask, BatchNorm's statistics) lies in the `Context`, so that
one function serves the eager `Net`, which runs layer by layer on persistent blobs, and `CaffeModule`, which composes
layers for batches and autograd.

A `BlobLayer` works on blobs instead: Input and the data layers, HDF5Output, and Python layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import Tensor

from ..errors import CaffeError, closest, shortened
from .blob import Blob, BlobVec
from .filler import fill
from .proto import pb
from .proto.forks import PYTHON_LAYER, about_type
from .syncedmem import HOST, Product
from .wiring.vectors import StringVec

Shape = tuple[int, ...]

AUTOMATIC = "(automatic)"
"""The name of tops omitted in the prototxt; no layer can take them."""


@dataclass
class Context:
    """A layer's inputs other than its blobs, and the state kept for its backward pass.

    phase: `pb.TRAIN` or `pb.TEST`.
    generator: the random state; None is torch's global one.
    param_gradients: whether gradients of parameters may be requested, so that their intermediate values are kept.
    overwrite: whether the layer runs in place: the first top, and in the backward pass its diff, shares the first
        bottom's memory.
    state: the layer's values kept between forward and backward and between passes.
    """

    phase: int = pb.TEST
    generator: torch.Generator | None = None
    param_gradients: bool = True
    overwrite: bool = False
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def training(self) -> bool:
        return self.phase == pb.TRAIN


@dataclass(frozen=True)
class ParamBlob:
    """The shape and the filler of one learned blob; or the blob itself, if the layer has created it."""

    shape: Shape
    filler: pb.FillerParameter
    made: Blob | None = None

    def begin(self, values: Tensor, generator: torch.Generator | None = None) -> None:
        """Write the blob's initial values into `values`, of this shape."""
        if self.made is None:
            fill(values, self.filler, generator)
        else:
            values.copy_(self.made.data_on(HOST))


@dataclass(frozen=True)
class Needs:
    """The gradients requested from a backward pass: one flag for each bottom and for each parameter."""

    bottoms: Sequence[bool]
    params: Sequence[bool]


@dataclass(frozen=True)
class Pass:
    """The input of a backward pass: a layer's blobs in their current state, and the requested gradients."""

    tops: Sequence[Tensor]
    top_diffs: Sequence[Tensor]
    bottoms: Sequence[Tensor]
    params: Sequence[Tensor]
    needs: Needs


Gradients = tuple[Sequence[Tensor | None], Sequence[Tensor | Product | None]]
"""For each bottom and each parameter; None if not requested."""


class Layer:
    """Base of all layer types.

    Class attributes:

    bottoms, tops: the number of bottoms and tops as (min, max); a max of None means unlimited.
    auto_tops: the prototxt may omit tops, as for Caffe's losses.
    loss: the first top has a loss weight of 1 by default.
    statistics: the forward pass updates the parameters, and they have no gradient (BatchNorm).
    no_gradient: bottoms without a gradient (labels, indices); requesting one is an error.
    unforced: bottoms ignored by force_backward.
    always: bottoms whose gradient a backward pass always computes.
    takes_in_place: the first top may be the first bottom.
    shares: the tops share the memory of the bottom, or without a bottom of the parameter: its "data", or "both" its
        data and diff.
    recalls: a forward pass finds the tops' data from before it in the context's state, as "tops".
    lends_diff: a backward pass makes the first top's diff the bottom's.
    observes: a backward pass runs the layer even if it has nothing to compute.
    """

    type: ClassVar[str] = ""
    bottoms: ClassVar[tuple[int, int | None]] = (1, 1)
    tops: ClassVar[tuple[int, int | None]] = (1, 1)
    auto_tops: ClassVar[bool] = False
    loss: ClassVar[bool] = False
    statistics: ClassVar[bool] = False
    no_gradient: tuple[int, ...] = ()
    unforced: tuple[int, ...] = ()
    always: tuple[int, ...] = ()
    takes_in_place: ClassVar[bool] = True
    shares: Literal["nothing", "data", "both"] = "nothing"
    recalls: ClassVar[bool] = False
    lends_diff: ClassVar[bool] = False
    observes: bool = False

    def __init__(self, definition: pb.LayerParameter):
        self.definition = definition
        self.name = definition.name
        self._check_count("bottom", len(definition.bottom), self.bottoms)
        self._check_count("top", len(definition.top), self.tops)
        if self.in_place and not self.takes_in_place:
            raise self.fail(f"can't run in place: its top '{definition.top[0]}' is its bottom")

    @property
    def in_place(self) -> bool:
        """Whether the first top is the first bottom and replaces its data and diff."""
        bottoms, tops = self.definition.bottom, self.definition.top
        return bool(bottoms) and bool(tops) and bottoms[0] == tops[0]

    def param_blobs(self, bottom_shapes: Sequence[Shape]) -> list[ParamBlob]:
        """Return the learned blobs for bottoms of these shapes."""
        return []

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        """Return the shapes of the tops for bottoms of these shapes; raises CaffeError if they don't fit."""
        return [tuple(bottom_shapes[0])]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        """Compute the tops, each a new tensor or a view of a bottom; bottoms and learned parameters are unchanged."""
        raise NotImplementedError(self.type)

    def backward(self, context: Context, now: Pass) -> Gradients:
        """Compute the requested gradients of bottoms and parameters from the current blob data.

        The default differentiates `forward` by autograd.  A layer overrides it if Caffe's gradient differs, if it may
        run in place (its bottom's data are then its top's), or to save a forward pass.
        """
        xs = [b.detach().requires_grad_(n) for b, n in zip(now.bottoms, now.needs.bottoms, strict=True)]
        ws = [p.detach().requires_grad_(n) for p, n in zip(now.params, now.needs.params, strict=True)]
        wanted = [t for t in (*xs, *ws) if t.requires_grad]
        if not wanted:
            return [None] * len(xs), [None] * len(ws)
        with torch.enable_grad():
            outs = self.forward(context, xs, ws)
        pairs = [(o, d) for o, d in zip(outs, now.top_diffs, strict=True) if o.requires_grad]
        grads: Sequence[Tensor | None] = [None] * len(wanted)
        if pairs:
            outputs, diffs = zip(*pairs, strict=True)
            grads = torch.autograd.grad(outputs, wanted, diffs, allow_unused=True)
        found = iter(torch.zeros_like(t) if g is None else g for t, g in zip(wanted, grads, strict=True))
        return (
            [next(found) if t.requires_grad else None for t in xs],
            [next(found) if t.requires_grad else None for t in ws],
        )

    def written(self) -> pb.LayerParameter:
        """Return the definition as Caffe writes it into a caffemodel, with an implicit loss weight of 1 written out."""
        definition = pb.LayerParameter()
        definition.CopyFrom(self.definition)
        if AUTOMATIC in definition.top:
            del definition.top[list(definition.top).index(AUTOMATIC) :]
        if self.loss and not definition.loss_weight:
            definition.loss_weight.append(1)
        return definition

    def overwritten(self, now: Pass) -> tuple[int, ...]:
        """Return the parameters whose gradients Caffe overwrites instead of accumulating."""
        return ()

    def fail(self, reason: str) -> CaffeError:
        """Return an error naming this layer, for the caller to raise."""
        return CaffeError(f"layer '{shortened(self.name)}' ({self.type}): {reason}")

    def kept(self, context: Context, name: str) -> Any:
        """Return a value kept by `forward` for `backward`."""
        if name not in context.state:
            raise self.fail("its backward pass needs a preceding forward pass with the same gradients enabled")
        return context.state[name]

    def axis(self, index: int, shape: Sequence[int], option: str = "axis") -> int:
        """Return `index`, counted from the end if negative, as an axis of `shape`."""
        if not -len(shape) <= index < len(shape):
            raise self.fail(f"{option} {index} is not an axis of a blob of shape {tuple(shape)}")
        return index % len(shape)

    def legacy(self, shape: Sequence[int]) -> tuple[int, int, int, int]:
        """Return `shape` as (N, C, H, W), with 1 for missing axes; more than four axes are an error."""
        if len(shape) > 4:
            raise self.fail(f"takes blobs of at most 4 axes; got shape {tuple(shape)}")
        n, c, h, w = (*shape, *[1] * (4 - len(shape)))
        return n, c, h, w

    def _check_count(self, what: str, count: int, allowed: tuple[int, int | None]) -> None:
        least, most = allowed
        if count < least or (most is not None and count > most):
            wanted = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
            raise self.fail(f"has {count} {what} blobs; takes {wanted}")


class BlobLayer(Layer):
    """Base of layers that work on blobs: data and diffs as numpy views, or as tensors on a device.

    The net calls `set_up` once, at construction, then `reshape` and `forward_blobs` in each forward pass and
    `backward_blobs` in each backward pass.

    blobs: the learned blobs, created and filled in `set_up`; the net replaces shared ones.
    face: the object listed by `Net.layers` instead of this layer (a Python layer's own); None for this layer.
    """

    face: object | None = None

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.blobs = BlobVec()

    def set_up(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        """Shape the tops, by default to `top_shapes`, and fill those that are constant over passes."""
        for top, shape in zip(tops, self.top_shapes([b.axes for b in bottoms]), strict=True):
            top.reshape(*shape)

    def reshape(self, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        """Give the tops the shapes that follow from the bottoms'; by default they are unchanged."""

    def forward_blobs(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        """Fill the tops; an untouched top keeps the caller's values."""
        raise NotImplementedError(self.type)

    def backward_blobs(
        self, context: Context, tops: Sequence[Blob], needs: Sequence[bool], bottoms: Sequence[Blob]
    ) -> None:
        """Write the requested gradients into the bottoms' diffs; by default there is no gradient."""
        raise self.fail("has no gradient")

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        """Compute the tops as tensors by way of blobs on the CPU, differentiable by autograd."""
        return list(_ThroughBlobs.apply(self, context, len(bottoms), *bottoms, *params))


class _ThroughBlobs(torch.autograd.Function):
    """A `BlobLayer` as an autograd function: values and gradients are copied into blobs and back."""

    @staticmethod
    def forward(ctx: Any, layer: BlobLayer, context: Context, count: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        bottoms = [_blob_of(t) for t in tensors[:count]]
        for blob, values in zip(layer.blobs, tensors[count:], strict=True):
            blob.put_data(values.detach().to(HOST, torch.float32))
        tops = [Blob() for _ in layer.definition.top]
        layer.reshape(bottoms, tops)
        layer.forward_blobs(context, bottoms, tops)
        ctx.layer, ctx.context, ctx.bottoms, ctx.tops = layer, context, bottoms, tops
        like = tensors[0] if tensors else torch.empty(0)
        return tuple(top.data_on(HOST).to(like).clone() for top in tops)

    @staticmethod
    def backward(ctx: Any, *diffs: Tensor) -> tuple[Tensor | None, ...]:
        layer: BlobLayer = ctx.layer
        for top, diff in zip(ctx.tops, diffs, strict=True):
            top.put_diff(diff.to(HOST, torch.float32).contiguous())
        for blob in layer.blobs:
            blob.clear_diff()
        needs = ctx.needs_input_grad[3:]
        wanted = list(needs[: len(ctx.bottoms)])
        layer.backward_blobs(ctx.context, ctx.tops, wanted, ctx.bottoms)
        blobs = [*ctx.bottoms, *layer.blobs]
        like = diffs[0]
        grads = [blob.diff_on(HOST).to(like).clone() if need else None for blob, need in zip(blobs, needs, strict=True)]
        return (None, None, None, *grads)


def _blob_of(values: Tensor) -> Blob:
    blob = Blob(*values.shape)
    blob.put_data(values.detach().to(HOST, torch.float32).contiguous())
    return blob


_registry: dict[str, type[Layer]] = {}
L = TypeVar("L", bound=type[Layer])


def register(type_name: str) -> Callable[[L], L]:
    """Register a layer class under the type's name in prototxts (class decorator)."""

    def add(cls: L) -> L:
        cls.type = type_name
        _registry[type_name] = cls
        return cls

    return add


def layer_type_list() -> StringVec:
    """Return the names of all layer types, sorted."""
    return StringVec(sorted(_registry))


def create_layer(definition: pb.LayerParameter) -> Layer:
    """Create the layer defined by a prototxt's `layer { … }`; raises CaffeError with the closest types if unknown."""
    cls = _registry.get(definition.type)
    if cls is None:
        reason = about_type(definition.type) or (
            f"unknown layer type '{definition.type}'; known types, the closest first: "
            f"{closest(definition.type, layer_type_list())}; if it is of a fork of Caffe, {PYTHON_LAYER}"
        )
        raise CaffeError(f"layer '{definition.name}': {reason}")
    if cls.auto_tops:
        definition.top.extend([AUTOMATIC] * (cls.tops[0] - len(definition.top)))
    return cls(definition)
