"""BatchReindex: selects, repeats or reorders items of a batch by index."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register


@register("BatchReindex")
class BatchReindex(Layer):
    """Bottoms: data (N, …) and indices (M,) from 0 to N - 1; top (M, …)."""

    bottoms = (2, 2)
    no_gradient = (1,)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        if len(bottom_shapes[1]) != 1:
            raise self.fail(f"takes indices of one axis; got shape {tuple(bottom_shapes[1])}")
        return [(bottom_shapes[1][0], *bottom_shapes[0][1:])]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        return [bottoms[0].index_select(0, self._index(bottoms))]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """Sum the gradients over each item's copies."""
        if not now.needs.bottoms[0]:
            return [None, None], []
        return [torch.zeros_like(now.bottoms[0]).index_add_(0, self._index(now.bottoms), now.top_diffs[0]), None], []

    def _index(self, bottoms: Sequence[Tensor]) -> Tensor:
        index = bottoms[1].detach().long()
        if torch.compiler.is_compiling():  # there are no numbers yet to check
            return index
        if index.numel() and not (int(index.min()) >= 0 and int(index.max()) < bottoms[0].shape[0]):
            raise self.fail(
                f"indices lie in [{int(index.min())}, {int(index.max())}], and a batch of {bottoms[0].shape[0]} "
                f"takes 0 to {bottoms[0].shape[0] - 1}"
            )
        return index
