"""The layers that pass data on unchanged: Input, Split and Silence."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..blob import Blob
from ..layer import BlobLayer, Context, Gradients, Layer, Pass, Shape, register
from ..proto import pb


@register("Input")
class Input(BlobLayer):
    """Tops that the caller fills, of the shapes that the prototxt gives: one for all or one for each."""

    bottoms = (0, 0)
    tops = (1, None)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        shapes = len(definition.input_param.shape)
        if shapes > 1 and shapes != len(definition.top):
            raise self.fail(
                f"has {shapes} shapes for {len(definition.top)} tops; give one for all, one for each or none"
            )

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        shapes = [tuple(s.dim) for s in self.definition.input_param.shape]
        return shapes if len(shapes) == len(self.definition.top) else (shapes or [()]) * len(self.definition.top)

    def forward_blobs(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        """Nothing: the tops keep the shapes and the numbers that the caller gives them."""


@register("Split")
class Split(Layer):
    """Every top is the bottom; the bottom's gradient is the sum of theirs."""

    tops = (1, None)
    takes_in_place = False
    shares = "data"

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        return [tuple(bottom_shapes[0])] * len(self.definition.top)

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        return [bottoms[0]] * len(self.definition.top)

    def backward(self, context: Context, now: Pass) -> Gradients:
        if not now.needs.bottoms[0]:
            return [None], []
        if len(now.top_diffs) == 1:
            return [now.top_diffs[0]], []
        total = now.top_diffs[0] + now.top_diffs[1]
        for diff in now.top_diffs[2:]:
            total += diff
        return [total], []


@register("Silence")
class Silence(Layer):
    """Takes blobs that nothing else takes, so that they are no outputs; their gradients are zero."""

    bottoms = (1, None)
    tops = (0, 0)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        return []

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        return []

    def backward(self, context: Context, now: Pass) -> Gradients:
        return [torch.zeros_like(b) if n else None for b, n in zip(now.bottoms, now.needs.bottoms, strict=True)], []
