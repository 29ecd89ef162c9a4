"""MVN: normalizes each item, or each of its channels, to mean 0 and variance 1.

Shapes: bottom of at most 4 axes (N, C, H, W), top (N, C, H, W) with axes of 1 for those that lack.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register


@register("MVN")
class MVN(Layer):
    """y = (x - mean) / (standard deviation + eps), or x - mean without `normalize_variance`.

    The mean is over each channel's plane, or over the item if `across_channels`.
    """

    always = (0,)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        return [self.legacy(bottom_shapes[0])]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        x = bottoms[0].reshape(self.top_shapes([tuple(bottoms[0].shape)])[0])
        centered = x - x.mean(self._axes, keepdim=True)
        if not self.definition.mvn_param.normalize_variance:
            return [centered]
        spread = centered.pow(2).mean(self._axes, keepdim=True).sqrt() + self.definition.mvn_param.eps
        context.state["spread"] = spread.detach()
        return [centered / spread]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dx = (dy - mean(dy) - y mean(dy y)) / (standard deviation + eps), as if eps were part of the deviation.

        In place, Caffe has overwritten dy by y sum(dy y), so that -2 mean(dy y) (y + sum(y)) is divided.
        """
        if not now.needs.bottoms[0]:
            return [None], []
        y, dy = now.tops[0], now.top_diffs[0]
        dx = dy - dy.mean(self._axes, keepdim=True)
        if self.definition.mvn_param.normalize_variance:
            along = (dy * y).mean(self._axes, keepdim=True)
            dx = -2 * along * (y + y.sum(self._axes, keepdim=True)) if self.in_place else dx - y * along
            dx = dx / self.kept(context, "spread")
        return [dx.reshape(now.bottoms[0].shape)], []

    @property
    def _axes(self) -> list[int]:
        return [1, 2, 3] if self.definition.mvn_param.across_channels else [2, 3]
