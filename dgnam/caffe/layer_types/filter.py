"""Filter: selects the items of a batch with a non-zero selector."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register
from ..proto import pb


@register("Filter")
class Filter(Layer):
    """Bottoms: any number of blobs (N, …), and last the selector (N, 1…); tops (M, …), M the selected items.

    M depends on the data, so the forward pass shapes the tops; before it they have the bottoms' shapes.
    """

    bottoms = (2, None)
    tops = (1, None)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        if len(definition.top) != len(definition.bottom) - 1:
            raise self.fail(f"has {len(definition.top)} tops; give one to each bottom but the last, the selector")
        self.no_gradient = (len(definition.bottom) - 1,)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        *blobs, selector = (tuple(s) for s in bottom_shapes)
        if math.prod(selector[1:]) != 1:
            raise self.fail(f"the selector has shape {selector}; all its axes but the first must be 1")
        if any(shape[:1] != selector[:1] for shape in blobs):
            raise self.fail(f"all bottoms must have the selector's first axis; got shapes {[*blobs, selector]}")
        return blobs

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        context.state["selected"] = selected = bottoms[-1].detach().reshape(-1).nonzero()[:, 0]
        return [x.index_select(0, selected) for x in bottoms[:-1]]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dx = dy for selected items, 0 for others."""
        selected = self.kept(context, "selected")
        grads = [
            torch.zeros_like(x).index_copy_(0, selected, dy) if need else None
            for x, dy, need in zip(now.bottoms[:-1], now.top_diffs, now.needs.bottoms, strict=False)
        ]
        return [*grads, None], []
