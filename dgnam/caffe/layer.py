"""What a layer is, and the registry of layer types.

A layer is a definition (its `LayerParameter`), the shapes that follow from it, and one function in torch from bottoms
and parameters to tops.  Whatever outlives a pass (a dropout mask, BatchNorm's statistics) is kept in the `Context`,
so that one function serves the eager `Net`, which runs layer by layer into persistent blobs, and `module.py`, which
strings layers together for batches and autograd.

The layers that no such function is for work on blobs instead (`BlobLayer`): those that fill their tops from elsewhere
(Input, the data layers), that write them elsewhere (HDF5Output), and Python layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import Tensor

from ..errors import CaffeError, closest, shortened
from .blob import HOST, Blob, BlobVec
from .filler import fill
from .proto import pb

Shape = tuple[int, ...]

AUTOMATIC = "(automatic)"
"""The name of every top that a prototxt leaves out; no layer can take it."""


@dataclass
class Context:
    """What a layer's function needs besides its blobs, and what it leaves for its backward.

    phase: `pb.TRAIN` or `pb.TEST`.
    generator: the random state to draw from; None is torch's global one.
    param_gradients: whether `Layer.backward` may be asked for them, so that what only they need must be kept.
    overwrite: whether the first bottom's memory is the first top's, so that a layer may write the one, or in backward
        its diff, over the other.
    state: the layer's own memory, from its forward to its backward and from pass to pass.
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
    """The shape and the initial filling of one learned blob; or the blob itself, where the layer has made one."""

    shape: Shape
    filler: pb.FillerParameter
    made: Blob | None = None

    def begin(self, values: Tensor, generator: torch.Generator | None = None) -> None:
        """Write into `values`, of this shape, what the blob holds at first."""
        if self.made is None:
            fill(values, self.filler, generator)
        else:
            values.copy_(self.made.data_on(HOST))


@dataclass(frozen=True)
class Needs:
    """Which gradients a backward pass wants: one flag for each bottom and for each parameter."""

    bottoms: Sequence[bool]
    params: Sequence[bool]


@dataclass(frozen=True)
class Pass:
    """What a backward pass works from: a layer's blobs as they stand, and the gradients that are wanted."""

    tops: Sequence[Tensor]
    top_diffs: Sequence[Tensor]
    bottoms: Sequence[Tensor]
    params: Sequence[Tensor]
    needs: Needs


Gradients = tuple[list[Tensor | None], list[Tensor | None]]
"""For each bottom and for each parameter, None where none was wanted."""


class Layer:
    """Base of all layer types.

    Class attributes give the number of bottoms and tops as (least, most), most None for any number;
    `auto_tops` lets the prototxt leave tops out, as Caffe's losses do;
    `loss` marks types whose first top has a loss weight of 1 unless the prototxt says otherwise;
    `statistics` marks parameters that the forward pass itself updates and no gradient reaches (BatchNorm's);
    `no_gradient` lists the bottoms that no gradient is defined for (labels, indices): to want one is an error;
    `unforced` lists the bottoms that force_backward passes over;
    `always` lists the bottoms whose gradient a backward pass computes whether it is wanted or not;
    `takes_in_place` says that the first top may be the first bottom;
    `shares` says that the tops are the memory of the bottom, or of the parameter where there is no bottom: its "data",
    or its data and diff ("both"); `lends_diff`, that a backward pass makes the first top's diff the bottom's.
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
    lends_diff: ClassVar[bool] = False

    def __init__(self, definition: pb.LayerParameter):
        self.definition = definition
        self.name = definition.name
        self._check_count("bottom", len(definition.bottom), self.bottoms)
        self._check_count("top", len(definition.top), self.tops)
        if self.in_place and not self.takes_in_place:
            raise self.fail(f"can't run in place: its top '{definition.top[0]}' is its bottom")

    @property
    def in_place(self) -> bool:
        """Whether the first top is the first bottom, whose data and diff it then takes the place of."""
        bottoms, tops = self.definition.bottom, self.definition.top
        return bool(bottoms) and bool(tops) and bottoms[0] == tops[0]

    def param_blobs(self, bottom_shapes: Sequence[Shape]) -> list[ParamBlob]:
        """The learned blobs that this layer needs for bottoms of these shapes."""
        return []

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        """The shapes of the tops for bottoms of these shapes; raises CaffeError where they don't fit."""
        return [tuple(bottom_shapes[0])]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        """The tops, each a new tensor or a view of a bottom; bottoms, and parameters that learn, stay as they are."""
        raise NotImplementedError(self.type)

    def backward(self, context: Context, now: Pass) -> Gradients:
        """Gradients for the bottoms and parameters asked for, from the blob data as they stand.

        This one takes them from autograd over `forward`.  A layer overrides it where Caffe's gradient is another,
        where it may run in place (its bottom's data are then its top's), or where that saves a forward pass.
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
        """The definition as Caffe writes it into a caffemodel, with the loss weight of 1 that went without saying."""
        definition = pb.LayerParameter()
        definition.CopyFrom(self.definition)
        if AUTOMATIC in definition.top:
            del definition.top[list(definition.top).index(AUTOMATIC) :]
        if self.loss and not definition.loss_weight:
            definition.loss_weight.append(1)
        return definition

    def overwritten(self, now: Pass) -> tuple[int, ...]:
        """The parameters whose gradients of this pass replace those before, where Caffe doesn't add them up."""
        return ()

    def fail(self, reason: str) -> CaffeError:
        """An error that names this layer; to be raised by the caller."""
        return CaffeError(f"layer '{shortened(self.name)}' ({self.type}): {reason}")

    def kept(self, context: Context, name: str) -> Any:
        """What `forward` left in the context for `backward`."""
        if name not in context.state:
            raise self.fail("its backward pass needs a forward pass before it, with the same gradients switched on")
        return context.state[name]

    def axis(self, index: int, shape: Sequence[int], option: str = "axis") -> int:
        """`index`, counted from the end where negative, as an axis of `shape`."""
        if not -len(shape) <= index < len(shape):
            raise self.fail(f"{option} {index} is not an axis of a blob of shape {tuple(shape)}")
        return index % len(shape)

    def legacy(self, shape: Sequence[int]) -> tuple[int, int, int, int]:
        """`shape` as (N, C, H, W), with 1 for the axes that lack; more than four are an error."""
        if len(shape) > 4:
            raise self.fail(f"takes blobs of at most 4 axes, and got shape {tuple(shape)}")
        n, c, h, w = (*shape, *[1] * (4 - len(shape)))
        return n, c, h, w

    def _check_count(self, what: str, count: int, allowed: tuple[int, int | None]) -> None:
        least, most = allowed
        if count < least or (most is not None and count > most):
            wanted = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
            raise self.fail(f"has {count} {what} blobs, and takes {wanted}")


class BlobLayer(Layer):
    """Base of the layers that work on blobs: their data and diffs as numpy views, or as tensors on a device.

    `set_up` comes once, when the net is built, with the blobs that stay the layer's; then `reshape` and `forward_blobs`
    in each forward pass and `backward_blobs` in each backward pass.

    blobs: what it learns, made and filled in `set_up`; the net puts those in their place that are shared with it.
    face: what `Net.layers` lists in this layer's stead, a Python layer's own object; None for nothing else.
    """

    face: object | None = None

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.blobs = BlobVec()

    def set_up(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        """Shape the tops, here as `top_shapes` has it, and fill those that no pass fills anew."""
        for top, shape in zip(tops, self.top_shapes([b.shape for b in bottoms]), strict=True):
            top.reshape(*shape)

    def reshape(self, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        """Give the tops the shapes that follow from the bottoms'; this one leaves them as they are."""

    def forward_blobs(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        """Fill the tops; a top that the layer leaves alone keeps what the caller wrote into it."""
        raise NotImplementedError(self.type)

    def backward_blobs(
        self, context: Context, tops: Sequence[Blob], needs: Sequence[bool], bottoms: Sequence[Blob]
    ) -> None:
        """Put the gradients of the bottoms asked for into their diffs; this one has no gradient."""
        raise self.fail("has no gradient")

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        """The tops as tensors, by way of blobs on the CPU; autograd goes the same way back."""
        return list(_ThroughBlobs.apply(self, context, len(bottoms), *bottoms, *params))


class _ThroughBlobs(torch.autograd.Function):
    """A `BlobLayer` between tensors: its bottoms' and tops' values and gradients are put into blobs and taken out."""

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
    """Class decorator: the layer type's name in prototxts."""

    def add(cls: L) -> L:
        cls.type = type_name
        _registry[type_name] = cls
        return cls

    return add


def layer_type_list() -> list[str]:
    """The names of all known layer types, sorted."""
    return sorted(_registry)


def create_layer(definition: pb.LayerParameter) -> Layer:
    """The layer that a prototxt's `layer { … }` defines; an unknown type is an error that lists the nearest ones."""
    cls = _registry.get(definition.type)
    if cls is None:
        raise CaffeError(
            f"layer '{definition.name}': unknown layer type '{definition.type}'; "
            f"known types, the closest first: {closest(definition.type, layer_type_list())}"
        )
    if cls.auto_tops:
        definition.top.extend([AUTOMATIC] * (cls.tops[0] - len(definition.top)))
    return cls(definition)
