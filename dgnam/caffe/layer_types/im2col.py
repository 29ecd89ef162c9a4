"""Im2col: a convolution's windows as columns.

Shapes: bottom (N, C, *in), top (N, C * product of the kernel's sizes, *out) with a convolution's *out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from ..layer import Context, Shape, register
from .columns import columns
from .convolution import Spatial


@register("Im2col")
class Im2col(Spatial):
    """y[c * kernel + (i, j, …), p] = x[c] at position (i, j, …) of window p."""

    always = (0,)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        shape = tuple(bottom_shapes[0])
        axis, geometry = self._channel_axis(shape), self._geometry(shape)
        out = geometry.windows(shape[axis + 1 :])
        if not out:
            raise self.fail(f"a bottom of shape {shape} has no spatial axes behind axis {axis}")
        if min(out) < 1:
            raise self.fail(f"a bottom of shape {shape} is smaller than the kernel {geometry.kernel}")
        return [(*shape[:axis], shape[axis] * math.prod(geometry.kernel), *out)]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        x = bottoms[0]
        axis, geometry = self._channel_axis(x.shape), self._geometry(x.shape)
        batch = x.reshape(math.prod(x.shape[:axis]), *x.shape[axis:])
        return [columns(batch, geometry).reshape(self.top_shapes([tuple(x.shape)])[0])]
