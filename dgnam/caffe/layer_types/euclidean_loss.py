"""EuclideanLoss: half the mean squared distance."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from ..layer import Context, Gradients, Pass, Shape, register
from .loss import Loss


@register("EuclideanLoss")
class EuclideanLoss(Loss):
    """y = sum((a - b) ** 2) / (2 N), for bottoms a and b of one size with N items; both may get a gradient."""

    no_gradient = ()
    unforced = ()

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        a, b = (self.legacy(s) for s in bottom_shapes)
        if math.prod(a[1:]) != math.prod(b[1:]):
            raise self.fail(f"its bottoms must have equal counts; got {[tuple(s) for s in bottom_shapes]}")
        return super().top_shapes(bottom_shapes)

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        difference = bottoms[0] - bottoms[1].reshape(bottoms[0].shape)
        context.state["difference"] = difference.detach()
        return [difference.pow(2).sum() / (2 * len(difference))]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """da = weight / N * (a - b) = -db, of the a and b that forward saw."""
        a, b = now.bottoms
        da = self.kept(context, "difference") * (now.top_diffs[0] / len(a))
        return [da if now.needs.bottoms[0] else None, -da.reshape(b.shape) if now.needs.bottoms[1] else None], []
