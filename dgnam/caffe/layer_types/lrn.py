"""LRN: local response normalization, across neighboring channels or within each channel.

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
    """Krizhevsky, Sutskever & Hinton 2012, Sec. 3.3.

    In place across channels, Caffe overwrites x by s ** -beta before multiplying the two, and dy likewise, so that
    y = s ** (-2 beta), and dx is the usual gradient for dy s ** -beta = dy = s ** (-2 beta).
    """

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        options = definition.lrn_param
        if options.local_size % 2 == 0:
            raise self.fail(f"local_size {options.local_size} must be odd")
        self.size, self.alpha, self.beta, self.k = options.local_size, options.alpha, options.beta, options.k
        self.across = options.norm_region == pb.LRNParameter.ACROSS_CHANNELS
        if self.across:
            self.always = (0,)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        if len(bottom_shapes[0]) != 4:
            raise self.fail(f"takes a bottom of 4 axes (N, C, H, W); got shape {tuple(bottom_shapes[0])}")
        return [tuple(bottom_shapes[0])]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        x = bottoms[0]
        if x.dtype == torch.float16:  # in which the squares of 256 and more are infinite
            return [y.to(x.dtype) for y in self.forward(context, [x.float()], params)]
        context.state.pop("scale", None)  # the last pass's, so that its memory is free now
        if self.across:
            scale = self._neighbors(x * x).mul_(self.alpha / self.size).add_(self.k)
        else:
            scale = 1 + self.alpha * self._window_mean(x * x)
        context.state["scale"] = scale.detach()
        factor = scale**-self.beta
        return [factor * (factor if self.across and self.in_place else x)]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dx = dy s ** -beta - 2 alpha beta / n * x * (sum of dy y / s around), y being x s ** -beta."""
        if not now.needs.bottoms[0]:
            return [None], []
        scale, dy, x = self.kept(context, "scale"), now.top_diffs[0], now.bottoms[0]
        factor = scale**-self.beta
        if not self.across:
            around = self._window_mean(dy * x * factor / scale)
            return [dy * factor - 2 * self.alpha * self.beta * x * around], []
        if self.in_place:
            dy = factor * factor
            factor = torch.ones_like(factor)
        around = self._neighbors(dy * now.tops[0] / scale)
        return [around.mul_(x).mul_(-2 * self.alpha * self.beta / self.size).addcmul_(dy, factor)], []

    def _window_mean(self, x: Tensor) -> Tensor:
        """Return the mean over the window around each position, including zero padding."""
        return F.avg_pool2d(x, self.size, 1, self.size // 2, count_include_pad=True)

    def _neighbors(self, x: Tensor) -> Tensor:
        """Return the sum over the neighboring channels."""
        half = min(self.size // 2, max(x.shape[1] - 1, 0))  # there are no farther channels, whatever size is claimed
        padded = F.pad(x, (0, 0, 0, 0, half, half))
        total = padded[:, : x.shape[1]]
        for offset in range(1, 2 * half + 1):
            shifted = padded[:, offset : offset + x.shape[1]]
            total = total + shifted if offset == 1 else total.add_(shifted)
        return total if half else x
