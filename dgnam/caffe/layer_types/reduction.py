"""Reduction: the sum, mean, sum of absolute values or sum of squares over the last axes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register
from ..proto import pb


@register("Reduction")
class Reduction(Layer):
    """The axes from `axis` on are reduced, and the result multiplied by `coeff`; the top keeps the axes before."""

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        shape = tuple(bottom_shapes[0])
        return [shape[: self._axis(shape)]]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        rows, coeff = self._rows(bottoms[0])
        if self._operation == "ASUM":
            rows = rows.abs()
        elif self._operation == "SUMSQ":
            rows = rows * rows
        return [rows.sum(-1) * coeff]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dy to each; times the sign of x for ASUM, times 2 x for SUMSQ."""
        if not now.needs.bottoms[0]:
            return [None], []
        rows, coeff = self._rows(now.bottoms[0])
        dy = (now.top_diffs[0] * coeff).unsqueeze(-1)
        slopes = {"ASUM": rows.sign, "SUMSQ": lambda: 2 * rows}
        dx = dy * slopes[self._operation]() if self._operation in slopes else dy.expand_as(rows)
        return [dx.reshape(now.bottoms[0].shape)], []

    @property
    def _operation(self) -> str:
        return pb.ReductionParameter.ReductionOp.Name(self.definition.reduction_param.operation)

    def _rows(self, x: Tensor) -> tuple[Tensor, float]:
        """Return the bottom with the reduced axes flattened, and the factor of the sum."""
        rows = x.reshape(*x.shape[: self._axis(tuple(x.shape))], -1)
        coeff = self.definition.reduction_param.coeff
        return rows, coeff / rows.shape[-1] if self._operation == "MEAN" else coeff

    def _axis(self, shape: Shape) -> int:
        return self.axis(self.definition.reduction_param.axis, shape)
