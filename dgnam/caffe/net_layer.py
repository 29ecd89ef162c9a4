"""A layer of an eager net, bound to its blobs: what `net.layers` lists."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from .blob import HOST, Blob, addresses, is_fresh
from .layer import Context, Needs, Pass, Shape
from .net_build import WiredLayer
from .weights import Slot


def _take_over(blob: Blob, values: Tensor) -> None:
    blob.put_data(values, fresh=is_fresh(values, ()))


class NetLayer:
    """One layer with its blobs: it reshapes its tops, computes them, and computes the gradients of its bottoms.

    blobs: its parameters, as in pycaffe.
    """

    def __init__(self, wired: WiredLayer, bottoms: list[Blob], tops: list[Blob], blobs: list[Blob]):
        self.wired = wired
        self.bottoms = bottoms
        self.tops = tops
        self.blobs = blobs
        in_place = bool(bottoms and tops) and bottoms[0] is tops[0]
        self.context = Context(wired.layer.definition.phase, overwrite=in_place)
        self._shapes: tuple[list[Shape], list[Shape]] = ([b.shape for b in bottoms], [t.shape for t in tops])
        self._share()
        self._weigh()

    def __repr__(self) -> str:
        return f"NetLayer(name='{self.name}', type='{self.type}')"

    @property
    def name(self) -> str:
        return self.wired.name

    @property
    def type(self) -> str:
        return self.wired.layer.type

    def slots(self) -> list[Slot]:
        """Where weights for this layer go; the tensors put there become its own."""
        return [
            Slot(blob.shape, partial(_take_over, blob), shared=not own)
            for blob, own in zip(self.blobs, self.wired.owns, strict=True)
        ]

    def reshape(self) -> None:
        """Give the tops the shapes that follow from the bottoms'; an Input layer's tops stay as they are."""
        if self.type == "Input":
            return
        bottoms = [b.shape for b in self.bottoms]
        if (bottoms, [t.shape for t in self.tops]) != self._shapes:
            self._check_params(bottoms)
            for top, shape in zip(self.tops, self.wired.layer.top_shapes(bottoms), strict=True):
                top.reshape(*shape)
            self._weigh()
            self._shapes = bottoms, [t.shape for t in self.tops]
        self._share()

    def forward(
        self, device: torch.device, generator: torch.Generator | None = None, *, param_gradients: bool = True
    ) -> float:
        """Compute the tops from the bottoms as they stand; returns the layer's part of the loss."""
        layer = self.wired.layer
        if layer.type != "Input" and layer.shares == "nothing":
            self.context.generator, self.context.param_gradients = generator, param_gradients
            bottoms = [b.data_on(device) for b in self.bottoms]
            params = [p.data_on(device, mutable=layer.statistics) for p in self.blobs]
            for top in self.tops[self.context.overwrite :]:
                top.drop_data()
            outs = layer.forward(self.context, bottoms, params)
            held = addresses([*bottoms, *params, *self.context.state.values()])
            for top, out in zip(self.tops, outs, strict=True):
                top.reshape(*out.shape)
                top.put_data(out, fresh=is_fresh(out, held))
                held.add(out.data_ptr())
        return self._loss()

    def backward(self, device: torch.device, *, param_gradients: bool = True) -> None:
        """Compute the bottoms' gradients, and add the parameters', from data and top gradients as they stand."""
        layer, planned = self.wired.layer, self.wired.needs
        learns = [need and param_gradients and not layer.statistics for need in planned.params]
        needs = Needs(planned.bottoms, learns)
        if layer.shares == "both" or not (any(needs.bottoms) or any(needs.params)):
            return
        for i in layer.no_gradient:
            if i < len(needs.bottoms) and needs.bottoms[i]:
                raise layer.fail(f"can't backpropagate to its bottom '{layer.definition.bottom[i]}'")
        now = Pass(
            tops=[t.data_on(device) for t in self.tops],
            top_diffs=[t.diff_on(device) for t in self.tops],
            bottoms=[b.data_on(device) for b in self.bottoms],
            params=[p.data_on(device) for p in self.blobs],
            needs=needs,
        )
        bottom_diffs, param_diffs = layer.backward(self.context, now)
        held = addresses([*now.tops, *now.top_diffs, *now.bottoms, *now.params, *self.context.state.values()])
        self._put(bottom_diffs, held)
        for blob, grad in zip(self.blobs, param_diffs, strict=True):
            if grad is not None:
                blob.add_diff(grad)

    def _put(self, diffs: list[Tensor | None], held: set[int]) -> None:
        for blob, diff in zip(self.bottoms, diffs, strict=True):
            if diff is not None:
                blob.put_diff(diff, fresh=is_fresh(diff, held))
                held.add(diff.data_ptr())

    def _share(self) -> None:
        """Tops that are the bottom's own memory, as Caffe's Split, Reshape and Flatten have them."""
        shares = self.wired.layer.shares
        if shares != "nothing":
            for top in self.tops:
                top.share_data(self.bottoms[0])
                if shares == "both":
                    top.share_diff(self.bottoms[0])

    def _weigh(self) -> None:
        """A loss's diff is its weight, from the start and for good."""
        for top, weight in zip(self.tops, self.wired.loss_weights, strict=True):
            if weight:
                top.diff_on(HOST, mutable=True).fill_(weight)

    def _loss(self) -> float:
        if not any(self.wired.loss_weights):
            return 0.0
        weighted = [t for t, weight in zip(self.tops, self.wired.loss_weights, strict=True) if weight]
        return sum((float((t.data_on(HOST) * t.diff_on(HOST)).sum()) for t in weighted), 0.0)

    def _check_params(self, bottoms: list[Shape]) -> None:
        wanted = [tuple(p.shape) for p in self.wired.layer.param_blobs(bottoms)]
        if wanted != self.wired.param_shapes:
            raise self.wired.layer.fail(
                f"its parameters have shapes {self.wired.param_shapes}, and bottoms of shapes {bottoms} need {wanted}"
            )
