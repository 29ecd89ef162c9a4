"""PReLU: a ReLU with a learned slope for negative inputs, per channel or shared.

Shapes: bottom and top (N, C, …); slope (C,), or () where `channel_shared`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Context, Gradients, Layer, ParamBlob, Pass, Shape, register
from ..proto import pb


@register("PReLU")
class PReLU(Layer):
    """y = max(x, 0) + slope * min(x, 0) (He et al. 2015); the gradient at 0 is the negative side's."""

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options = definition.prelu_param

    def param_blobs(self, bottom_shapes: Sequence[Shape]) -> list[ParamBlob]:
        self.legacy(bottom_shapes[0])
        if len(bottom_shapes[0]) < 2:
            raise self.fail(f"takes a bottom of 2 axes (N, C) or more; got shape {tuple(bottom_shapes[0])}")
        quarter = pb.FillerParameter(type="constant", value=0.25)
        shape = () if self.options.channel_shared else (bottom_shapes[0][1],)
        return [ParamBlob(shape, self.options.filler if self.options.HasField("filler") else quarter)]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        x = bottoms[0]
        if self.in_place:
            context.state["bottom"] = x.detach().clone()
        return [torch.where(x > 0, x, x * self._aligned(params[0], x))]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dx = dy or slope dy, dslope = sum of dy x where x <= 0; in place, with the x that forward set aside."""
        x = self.kept(context, "bottom") if self.in_place else now.bottoms[0]
        dy, slope = now.top_diffs[0], self._aligned(now.params[0], x)
        dx = torch.where(x > 0, dy, dy * slope) if now.needs.bottoms[0] else None
        if not now.needs.params[0]:
            return [dx], [None]
        negative = dy * x * (x <= 0)
        return [dx], [negative.sum_to_size(slope.shape).reshape(now.params[0].shape)]

    @staticmethod
    def _aligned(slope: Tensor, x: Tensor) -> Tensor:
        return slope.view(-1, *[1] * (x.dim() - 2)) if slope.dim() else slope
