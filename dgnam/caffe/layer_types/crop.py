"""Crop: crops a blob to the size of another."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register


@register("Crop")
class Crop(Layer):
    """Crops the axes from `axis` on to the second bottom's sizes at `offset`: one for all, one per axis, or 0.

    The second bottom lends its shape only, and its diff is left as it is.
    """

    bottoms = (2, 2)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        shape, reference = (tuple(s) for s in bottom_shapes)
        if len(reference) < len(shape):
            raise self.fail(f"its second bottom lends the sizes of {len(shape)} axes, and has shape {reference}")
        axis = self.axis(self.definition.crop_param.axis, shape)
        offsets = self._offsets(shape)
        for i in range(axis, len(shape)):
            if offsets[i] + reference[i] > shape[i]:
                raise self.fail(f"axis {i} of {shape[i]} can't be cut to {reference[i]} at offset {offsets[i]}")
        return [(*shape[:axis], *reference[axis : len(shape)])]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        return [bottoms[0][self._region(bottoms)]]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dx = dy in the cropped region, 0 elsewhere."""
        if not now.needs.bottoms[0]:
            return [None, None], []
        dx = torch.zeros_like(now.bottoms[0])
        dx[self._region(now.bottoms)] = now.top_diffs[0]
        return [dx, None], []

    def _region(self, bottoms: Sequence[Tensor]) -> tuple[slice, ...]:
        shapes = [tuple(b.shape) for b in bottoms]
        sizes = self.top_shapes(shapes)[0]
        return tuple(slice(at, at + n) for at, n in zip(self._offsets(shapes[0]), sizes, strict=True))

    def _offsets(self, shape: Shape) -> list[int]:
        """Return the start of the region along each axis."""
        options = self.definition.crop_param
        axis, given = self.axis(options.axis, shape), list(options.offset)
        cut = len(shape) - axis
        if len(given) > 1 and len(given) != cut:
            raise self.fail(f"has {len(given)} offsets for {cut} axes; give one for all, one for each or none")
        return [0] * axis + (given if len(given) == cut else (given or [0]) * cut)
