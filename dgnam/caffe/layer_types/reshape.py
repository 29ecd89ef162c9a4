"""Reshape and Flatten: the same numbers in another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register


@register("Reshape")
class Reshape(Layer):
    """Replaces `num_axes` axes (-1 for all) from `axis` on by `shape`; 0 copies an axis, -1 is inferred."""

    takes_in_place = False
    shares = "both"

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        options, shape = self.definition.reshape_param, tuple(bottom_shapes[0])
        start = options.axis if options.axis >= 0 else len(shape) + options.axis + 1
        end = len(shape) if options.num_axes == -1 else start + options.num_axes
        if not 0 <= start <= end <= len(shape):
            raise self.fail(
                f"axis {options.axis} with num_axes {options.num_axes} doesn't fit a bottom of shape {shape}"
            )
        wanted, copied = list(options.shape.dim), set()
        for i, dim in enumerate(wanted):
            if dim == 0:
                if start + i >= len(shape):
                    raise self.fail(f"dim: 0 at place {i} has no axis to copy in a bottom of shape {shape}")
                wanted[i] = shape[start + i]
                copied.add(i)
        if wanted.count(-1) > 1 or min(options.shape.dim, default=0) < -1:
            raise self.fail(f"shape {list(options.shape.dim)} may hold one -1, and nothing below it")
        before, after = shape[:start], shape[end:]
        if -1 in wanted:
            # An axis that is copied drops out on both sides, which matters where it may be of any size.
            count = math.prod(n for i, n in enumerate(shape[start:end]) if i not in copied)
            known = math.prod(n for i, n in enumerate(wanted) if n != -1 and not (i in copied and start + i < end))
            if known == 0 or count % known:
                raise self.fail(f"a bottom of shape {shape} can't be divided into {list(options.shape.dim)}")
            wanted[wanted.index(-1)] = count // known
        top = (*before, *wanted, *after)
        if math.prod(top) != math.prod(shape):
            raise self.fail(f"a bottom of shape {shape} can't become {top}: the counts differ")
        return [top]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        return [bottoms[0].reshape(self.top_shapes([tuple(bottoms[0].shape)])[0])]


@register("Flatten")
class Flatten(Layer):
    """Flattens the axes from `axis` to `end_axis`, inclusive; inserts an axis of 1 if end_axis is axis - 1."""

    takes_in_place = False
    always = (0,)
    shares = "data"
    lends_diff = True

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        options, shape = self.definition.flatten_param, tuple(bottom_shapes[0])
        start, end = self.axis(options.axis, shape), self.axis(options.end_axis, shape, "end_axis")
        if start > end + 1:
            raise self.fail(f"axis {options.axis} lies behind end_axis {options.end_axis} in a bottom of shape {shape}")
        return [(*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        return [bottoms[0].reshape(self.top_shapes([tuple(bottoms[0].shape)])[0])]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dy in the bottom's shape."""
        return [now.top_diffs[0].reshape(now.bottoms[0].shape)], []
