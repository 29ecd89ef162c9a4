"""Silence: a consumer for unused blobs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register


@register("Silence")
class Silence(Layer):
    """Consumes otherwise unused blobs, so that they are not outputs; their gradients are zero."""

    bottoms = (1, None)
    tops = (0, 0)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        return []

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        return []

    def backward(self, context: Context, now: Pass) -> Gradients:
        return [torch.zeros_like(b) if n else None for b, n in zip(now.bottoms, now.needs.bottoms, strict=True)], []
