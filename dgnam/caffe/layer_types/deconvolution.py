"""Deconvolution: the transpose of Convolution, whose forward pass is a convolution's gradient.

Shapes: bottom (N, C, *in), top (N, num_output, *out) with out = stride (in - 1) + dilation (kernel - 1) + 1 - 2 pad;
weight (C, num_output / group, *kernel), bias (num_output,).
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from ..layer import register
from .convolution import ConvolutionBase

_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@register("Deconvolution")
class Deconvolution(ConvolutionBase):
    """y = W^T * x + b."""

    transposed = True

    def _out_size(self, size: int, kernel: int, stride: int, pad: int, dilation: int) -> int:
        return stride * (size - 1) + (dilation * (kernel - 1) + 1) - 2 * pad

    def _convolve(self, x: Tensor, params: Sequence[Tensor]) -> Tensor:
        axis = self._channel_axis(x.shape)
        _, stride, pad, dilation = self._geometry(x.shape)
        bias = params[1] if len(params) > 1 else None
        batch = self._as_batch(x, axis)
        y = _TRANSPOSED[len(stride)](batch, params[0], bias, stride, pad, 0, self.options.group, dilation)
        return y if axis == 1 else y.reshape(*x.shape[:axis], *y.shape[1:])
