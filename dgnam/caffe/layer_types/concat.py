"""Concat and Slice: concatenating blobs along an axis, and splitting a blob along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register
from ..proto import pb


@register("Concat")
class Concat(Layer):
    """Bottoms (…, n_i, …) of equal sizes except along `axis`; top (…, sum of n_i, …)."""

    bottoms = (1, None)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        if len(definition.bottom) == 1:
            self.shares = "both"

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        first = tuple(bottom_shapes[0])
        axis = self._axis(first)
        for shape in bottom_shapes:
            if len(shape) != len(first) or (*shape[:axis], *shape[axis + 1 :]) != (*first[:axis], *first[axis + 1 :]):
                raise self.fail(
                    f"its bottoms may differ along axis {axis} only; got {[tuple(s) for s in bottom_shapes]}"
                )
        return [(*first[:axis], sum(s[axis] for s in bottom_shapes), *first[axis + 1 :])]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        return [torch.cat(list(bottoms), self._axis(tuple(bottoms[0].shape)))]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """Each bottom's part of dy."""
        axis = self._axis(tuple(now.bottoms[0].shape))
        parts = torch.split(now.top_diffs[0], [b.shape[axis] for b in now.bottoms], axis)
        return [part if need else None for part, need in zip(parts, now.needs.bottoms, strict=True)], []

    def _axis(self, shape: Shape) -> int:
        options = self.definition.concat_param
        if options.HasField("concat_dim"):
            if options.HasField("axis"):
                raise self.fail("give either axis or the older concat_dim, not both")
            return self.axis(options.concat_dim, shape, "concat_dim")
        return self.axis(options.axis, shape)


@register("Slice")
class Slice(Layer):
    """Splits the bottom along `axis` at the slice points, or by default into equal parts."""

    tops = (1, None)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        if len(definition.top) == 1:
            self.shares = "both"

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        shape = tuple(bottom_shapes[0])
        axis = self._axis(shape)
        return [(*shape[:axis], n, *shape[axis + 1 :]) for n in self._sizes(shape[axis])]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        axis = self._axis(tuple(bottoms[0].shape))
        return list(torch.split(bottoms[0], self._sizes(bottoms[0].shape[axis]), axis))

    def backward(self, context: Context, now: Pass) -> Gradients:
        """Concatenate the tops' gradients."""
        axis = self._axis(tuple(now.bottoms[0].shape))
        return [torch.cat(list(now.top_diffs), axis) if now.needs.bottoms[0] else None], []

    def _sizes(self, size: int) -> list[int]:
        points, tops = list(self.definition.slice_param.slice_point), len(self.definition.top)
        if not points:
            if size % tops:
                raise self.fail(f"an axis of {size} can't be cut into {tops} equal parts; give slice points")
            return [size // tops] * tops
        edges = [0, *points, size]
        if len(points) != tops - 1 or any(a >= b for a, b in pairwise(edges)):
            raise self.fail(f"slice points {points} must be {tops - 1} rising numbers between 0 and {size}")
        return [b - a for a, b in pairwise(edges)]

    def _axis(self, shape: Shape) -> int:
        options = self.definition.slice_param
        if options.HasField("slice_dim"):
            if options.HasField("axis"):
                raise self.fail("give either axis or the older slice_dim, not both")
            return self.axis(options.slice_dim, shape, "slice_dim")
        return self.axis(options.axis, shape)
