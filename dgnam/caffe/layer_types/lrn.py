"""LRN: local response normalization, across neighbouring channels or within each channel.

Shapes: bottom and top (N, C, H, W).
ACROSS_CHANNELS: y = x * s ** -beta with s = k + alpha / n * (sum of x ** 2 over the n channels around).
WITHIN_CHANNEL: y = x * (1 + alpha * mean of x ** 2 over the n x n window around) ** -beta; padded by zeros, without k.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register
from ..proto import pb


@register("LRN")
class LRN(Layer):
    """Krizhevsky, Sutskever & Hinton 2012, Sec. 3.3."""

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        options = definition.lrn_param
        if options.local_size % 2 == 0:
            raise self.fail(f"local_size {options.local_size} must be odd")
        self.size, self.alpha, self.beta, self.k = options.local_size, options.alpha, options.beta, options.k
        self.across = options.norm_region == pb.LRNParameter.ACROSS_CHANNELS

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        if len(bottom_shapes[0]) != 4:
            raise self.fail(f"takes a bottom of 4 axes (N, C, H, W), and got shape {tuple(bottom_shapes[0])}")
        return [tuple(bottom_shapes[0])]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        x = bottoms[0]
        if x.dtype == torch.float16:  # in which the squares of 256 and more are infinite
            return [y.to(x.dtype) for y in self.forward(context, [x.float()], params)]
        if not self.across:
            mean = F.avg_pool2d(x * x, self.size, 1, self.size // 2, count_include_pad=True)
            return [x * (1 + self.alpha * mean) ** -self.beta]
        context.state.pop("scale", None)  # the last pass's, so that its memory is free now
        scale = self._neighbours(x * x).mul_(self.alpha / self.size).add_(self.k)
        context.state["scale"] = scale.detach()
        return [x * scale**-self.beta]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dx = dy s ** -beta - 2 alpha beta / n * x * (sum of dy y / s over the channels around)."""
        if not (self.across and now.needs.bottoms[0]):
            return super().backward(context, now)
        scale, dy = self.kept(context, "scale"), now.top_diffs[0]
        around = self._neighbours(dy * now.tops[0] / scale)
        dx = around.mul_(now.bottoms[0]).mul_(-2 * self.alpha * self.beta / self.size)
        return [dx.addcmul_(dy, scale**-self.beta)], []

    def _neighbours(self, x: Tensor) -> Tensor:
        """The sum over the channels around each."""
        half = self.size // 2
        padded = F.pad(x, (0, 0, 0, 0, half, half))
        total = padded[:, : x.shape[1]]
        for offset in range(1, self.size):
            shifted = padded[:, offset : offset + x.shape[1]]
            total = total + shifted if offset == 1 else total.add_(shifted)
        return total if self.size > 1 else x
