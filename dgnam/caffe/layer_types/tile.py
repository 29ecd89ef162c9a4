"""Tile: copies of a blob concatenated along one axis."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register
from ..proto import pb


@register("Tile")
class Tile(Layer):
    """Bottom (…, n, …), top (…, tiles * n, …) along `axis`."""

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options = definition.tile_param
        if self.options.tiles < 1:
            raise self.fail(f"tiles {self.options.tiles} must be given, and positive")

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        shape = tuple(bottom_shapes[0])
        axis = self.axis(self.options.axis, shape)
        return [(*shape[:axis], shape[axis] * self.options.tiles, *shape[axis + 1 :])]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        x = bottoms[0]
        times = [1] * x.dim()
        times[self.axis(self.options.axis, tuple(x.shape))] = self.options.tiles
        return [x.repeat(times)]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """The sum over the copies."""
        if not now.needs.bottoms[0]:
            return [None], []
        shape = tuple(now.bottoms[0].shape)
        axis = self.axis(self.options.axis, shape)
        return [now.top_diffs[0].reshape(*shape[:axis], self.options.tiles, *shape[axis:]).sum(axis)], []
