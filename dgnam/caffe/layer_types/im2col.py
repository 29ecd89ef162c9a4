"""Im2col: the windows of a convolution, each as a column.

Shapes: bottom (N, C, H, W), top (N, C * kernel_h * kernel_w, H', W') with a convolution's H' and W'.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from ..layer import Context, Shape, register
from .convolution import Spatial


@register("Im2col")
class Im2col(Spatial):
    """y[c * kernel + (i, j), p] = x[c] at window p's place (i, j)."""

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        shape = tuple(bottom_shapes[0])
        axis, geometry = self._channel_axis(shape), self._geometry(shape)
        if len(geometry.kernel) == 3:
            raise self.fail(f"takes 1 or 2 spatial axes, and a bottom of shape {shape} has 3")
        out = [
            (size + 2 * p - (d * (k - 1) + 1)) // s + 1
            for size, k, s, p, d in zip(shape[axis + 1 :], *geometry, strict=True)
        ]
        return [(*shape[:axis], shape[axis] * math.prod(geometry.kernel), *out)]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        x = bottoms[0]
        axis, (kernel, stride, pad, dilation) = self._channel_axis(x.shape), self._geometry(x.shape)
        batch = x.reshape(math.prod(x.shape[:axis]), *x.shape[axis:])
        if len(kernel) == 1:
            batch = batch.unsqueeze(2)
            kernel, stride, pad, dilation = [1, *kernel], [1, *stride], [0, *pad], [1, *dilation]
        columns = F.unfold(batch, tuple(kernel), tuple(dilation), tuple(pad), tuple(stride))
        return [columns.reshape(self.top_shapes([tuple(x.shape)])[0])]
