"""Eltwise: the product, weighted sum or maximum of blobs of one shape."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register
from ..proto import pb


@register("Eltwise")
class Eltwise(Layer):
    """PROD: y = a * b * …; SUM: y = coeff[0] a + coeff[1] b + …; MAX: y = max(a, b, …).

    In place, Caffe clears the top before SUM and MAX read a, and overwrites dy by a's gradient, or by PROD's slope for
    a: a then counts as 0 for SUM and as the lowest number for MAX, and the others' gradients derive from a's.
    """

    bottoms = (2, None)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options = definition.eltwise_param
        self.operation = pb.EltwiseParameter.EltwiseOp.Name(self.options.operation)
        self.coeff = list(self.options.coeff)
        if self.coeff and len(self.coeff) != len(definition.bottom):
            raise self.fail(
                f"has {len(self.coeff)} coefficients for {len(definition.bottom)} bottoms; use one per bottom or none"
            )
        if self.coeff and self.operation == "PROD":
            raise self.fail("coefficients are for SUM and not for PROD")

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        if any(tuple(s) != tuple(bottom_shapes[0]) for s in bottom_shapes):
            raise self.fail(f"its bottoms must have equal shapes; got {[tuple(s) for s in bottom_shapes]}")
        return [tuple(bottom_shapes[0])]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        if self.operation == "PROD":
            return [reduce(torch.mul, bottoms)]
        if self.operation == "SUM":
            terms = bottoms if not self.coeff else [c * b for c, b in zip(self.coeff, bottoms, strict=True)]
            return [reduce(torch.add, terms[self.in_place :])]
        if self.in_place:
            bottoms = [torch.full_like(bottoms[0], torch.finfo(torch.float32).min), *bottoms[1:]]
        # Of equal values the second bottom wins against the first, and loses against later ones.
        first_wins = bottoms[0] > bottoms[1]
        y = torch.where(first_wins, bottoms[0], bottoms[1])
        winner = (~first_wins).to(torch.int32)
        for i, x in enumerate(bottoms[2:], start=2):
            winner = torch.where(x > y, i, winner)
            y = torch.where(x > y, x, y)
        context.state["winner"] = winner
        return [y]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """SUM: coeff * dy; PROD: the product of the others * dy, or y / x * dy; MAX: dy where that bottom won."""
        dy, y = now.top_diffs[0], now.tops[0]

        grads: list[Tensor | None] = []
        for i, need in enumerate(now.needs.bottoms):
            grads.append(self._gradient(context, i, dy, y, now.bottoms) if need else None)
            if i == 0 and need and self.in_place:
                assert grads[0] is not None
                dy = grads[0]
        return grads, []

    def _gradient(self, context: Context, i: int, dy: Tensor, y: Tensor, bottoms: Sequence[Tensor]) -> Tensor:
        if self.operation == "SUM":
            return self.coeff[i] * dy if self.coeff else dy
        if self.operation == "MAX":
            return dy * (self.kept(context, "winner") == i)
        if self.options.stable_prod_grad:
            slope = reduce(torch.mul, [b for j, b in enumerate(bottoms) if j != i])
        else:
            slope = y / bottoms[i]
        return slope * (slope if i == 0 and self.in_place else dy)
