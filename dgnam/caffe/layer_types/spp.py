"""SPP: spatial pyramid pooling, to vectors of a fixed size from images of any size.

Shapes: bottom (N, C, H, W); top (N, C * (1 + 4 + 16 + … over `pyramid_height` levels)), or (N, C, 1, 1) for one level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register
from ..proto import pb
from .pooling import Pooling


@register("SPP")
class SPP(Layer):
    """Level i pools over 2 ** i by 2 ** i bins covering the image; all bins are concatenated (He et al. 2014)."""

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        shape = tuple(bottom_shapes[0])
        if len(shape) != 4 or min(shape[2:]) < 1:
            raise self.fail(f"takes a bottom of 4 axes (N, C, H, W); got shape {shape}")
        pooled = [level.top_shapes([shape])[0] for level in self._levels(shape)]
        return pooled if len(pooled) == 1 else [(shape[0], sum(math.prod(p[1:]) for p in pooled))]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        levels = self._levels(tuple(bottoms[0].shape))
        contexts = [Context(context.phase, context.generator) for _ in levels]
        context.state["levels"] = contexts
        pooled = [level.forward(own, bottoms, [])[0] for level, own in zip(levels, contexts, strict=True)]
        return pooled if len(pooled) == 1 else [torch.cat([p.flatten(1) for p in pooled], 1)]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """Sum the levels' gradients, for MAX by the positions that forward selected."""
        if not now.needs.bottoms[0]:
            return [None], []
        shape = tuple(now.bottoms[0].shape)
        levels, contexts = self._levels(shape), self.kept(context, "levels")
        pooled = [level.top_shapes([shape])[0] for level in levels]
        counts = [math.prod(p[1:]) for p in pooled]
        parts = [now.top_diffs[0]] if len(levels) == 1 else now.top_diffs[0].split(counts, 1)
        total: Tensor | None = None
        for level, own, part, top in zip(levels, contexts, parts, pooled, strict=True):
            diff = level.backward(own, replace(now, top_diffs=[part.reshape(top)]))[0][0]
            assert diff is not None
            total = diff if total is None else total + diff
        return [total], []

    def _levels(self, shape: Shape) -> list[Pooling]:
        height = self.definition.spp_param.pyramid_height
        if height < 1:
            raise self.fail("pyramid_height must be given, and positive")
        return [self._level(i, shape) for i in range(height)]

    def _level(self, level: int, shape: Shape) -> Pooling:
        """Return windows of a bin's size, padded so that 2 ** level of them cover the image."""
        kernel = [math.ceil(size / 2**level) for size in shape[2:]]
        pad = [(k * 2**level - size + 1) // 2 for k, size in zip(kernel, shape[2:], strict=True)]
        definition = pb.LayerParameter(name=self.name, type="Pooling", bottom=["bottom"], top=["top"])
        options = definition.pooling_param
        options.pool = getattr(pb.PoolingParameter, pb.SPPParameter.PoolMethod.Name(self.definition.spp_param.pool))
        options.kernel_h, options.kernel_w = options.stride_h, options.stride_w = kernel
        options.pad_h, options.pad_w = pad
        return Pooling(definition)
