"""Deconvolution: the transpose of Convolution; its forward pass is a convolution's gradient.

Shapes: bottom (N, C, *in), top (N, num_output, *out) with out = stride (in - 1) + dilation (kernel - 1) + 1 - 2 pad;
weight (C, num_output / group, *kernel), bias (num_output,).
"""

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from ..layer import register
from .columns import Geometry, images
from .convolution import ConvolutionBase

_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@register("Deconvolution")
class Deconvolution(ConvolutionBase):
    """y = W^T * x + b."""

    transposed = True

    def _out_sizes(self, sizes: Sequence[int], geometry: Geometry) -> list[int]:
        return [s * (n - 1) + (d * (k - 1) + 1) - 2 * p for n, k, s, p, d in zip(sizes, *geometry, strict=True)]

    def _by_torch(self, x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
        _, stride, pad, dilation = geometry
        return _TRANSPOSED[len(stride)](x, weight, bias, stride, pad, 0, self.options.group, dilation)

    def _by_columns(self, x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
        group, sizes = self.options.group, list(x.shape[2:])
        rows = weight.reshape(group, len(weight) // group, -1).transpose(1, 2)
        cols = rows @ x.reshape(len(x), group, len(weight) // group, math.prod(sizes))
        cols = cols.reshape(len(x), self.options.num_output, *geometry.kernel, *sizes)
        return images(cols, geometry, self._out_sizes(sizes, geometry))
