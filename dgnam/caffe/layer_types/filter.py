"""Filter: only those items of a batch that a selector is not zero for."""

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

    M follows from the data, so that the tops get their shapes in the forward pass; before it they are the bottoms'.
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
            raise self.fail(f"all bottoms must have the selector's first axis, and have shapes {[*blobs, selector]}")
        return blobs

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        context.state["selected"] = selected = bottoms[-1].detach().reshape(-1).nonzero()[:, 0]
        return [x.index_select(0, selected) for x in bottoms[:-1]]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """To the items that were selected; zero to the others."""
        selected = self.kept(context, "selected")
        grads = [
            torch.zeros_like(x).index_copy_(0, selected, dy) if need else None
            for x, dy, need in zip(now.bottoms[:-1], now.top_diffs, now.needs.bottoms, strict=False)
        ]
        return [*grads, None], []
