"""ArgMax: the indices or values of the maxima.

Shapes: bottom (N, …).  Without `axis`: top (N, 1, top_k, 1…) of at least 3 axes, indices into each item's flattened
values; with `out_max_val` (N, 2, top_k, 1…), indices then values.  With `axis`: that axis has top_k indices, or values
with `out_max_val`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register


@register("ArgMax")
class ArgMax(Layer):
    """The `top_k` highest values in descending order; of equal ones the last comes first."""

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        options, shape = self.definition.argmax_param, tuple(bottom_shapes[0])
        if options.HasField("axis"):
            axis = self.axis(options.axis, shape)
            self._check_top_k(shape[axis])
            return [(*shape[:axis], options.top_k, *shape[axis + 1 :])]
        self._check_top_k(math.prod(shape[1:]))
        after = [1] * (max(len(shape), 3) - 3)
        return [(shape[0], 2 if options.out_max_val else 1, options.top_k, *after)]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        options, x = self.definition.argmax_param, bottoms[0]
        if options.HasField("axis"):
            values, index = self._highest(x, self.axis(options.axis, tuple(x.shape)))
            return [values if options.out_max_val else index]
        values, index = self._highest(x.reshape(x.shape[0], -1), 1)
        found = torch.stack([index, values], 1) if options.out_max_val else index
        return [found.reshape(self.top_shapes([tuple(x.shape)])[0])]

    def backward(self, context: Context, now: Pass) -> Gradients:
        raise self.fail("has no gradient")

    def _highest(self, x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        """Return the highest values along `axis`, and their indices in the same dtype."""
        top_k = self.definition.argmax_param.top_k
        if top_k == 1:
            from_end = x.flip(axis).argmax(axis, keepdim=True)
            index = x.shape[axis] - 1 - from_end
            return x.gather(axis, index), index.to(x.dtype)
        values, from_end = torch.sort(x.flip(axis), dim=axis, descending=True, stable=True)
        index = x.shape[axis] - 1 - from_end.narrow(axis, 0, top_k)
        return values.narrow(axis, 0, top_k), index.to(x.dtype)

    def _check_top_k(self, choices: int) -> None:
        if not 1 <= self.definition.argmax_param.top_k <= choices:
            raise self.fail(f"top_k {self.definition.argmax_param.top_k} must lie between 1 and {choices}")
