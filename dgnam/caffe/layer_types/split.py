"""Split: one blob for several layers."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register


@register("Split")
class Split(Layer):
    """Every top is the bottom; the bottom's gradient is the sum of theirs."""

    tops = (1, None)
    takes_in_place = False
    shares = "data"

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        return [tuple(bottom_shapes[0])] * len(self.definition.top)

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        return [bottoms[0]] * len(self.definition.top)

    def backward(self, context: Context, now: Pass) -> Gradients:
        if not now.needs.bottoms[0]:
            return [None], []
        if len(now.top_diffs) == 1:
            return [now.top_diffs[0]], []
        total = now.top_diffs[0] + now.top_diffs[1]
        for diff in now.top_diffs[2:]:
            total += diff
        return [total], []
