"""Convolution, and its geometry, shared by Deconvolution.

Shapes: bottom (N, C, *in), top (N, num_output, *out) with out = (in + 2 pad - dilation (kernel - 1) - 1) / stride + 1,
rounded down; weight (num_output, C / group, *kernel), bias (num_output,).  Several bottoms are convolved alike.  The
channels are those of `axis`, and any number of spatial axes may follow, or none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ..layer import Context, Gradients, Layer, ParamBlob, Pass, Shape, register
from ..proto import pb
from ..syncedmem import HOST, Product
from .columns import Geometry, columns, image_gradient, weight_gradient

FEW_CHANNELS, FEW_POSITIONS = 4, 64
"""Up to how many channels of an image, and positions of a batch, gradients go by matrix products of columns."""


class Spatial(Layer):
    """A layer with windows over the axes after the channels, defined by `convolution_param`."""

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options = definition.convolution_param
        self._known_geometry: dict[int, Geometry] = {}

    def _channel_axis(self, shape: Sequence[int]) -> int:
        return self.axis(self.options.axis, shape)

    def _as_batch(self, x: Tensor, axis: int) -> Tensor:
        """Flatten the axes before the channels to one, as needed by torch's convolutions."""
        return x if axis == 1 else x.reshape(math.prod(x.shape[:axis]), *x.shape[axis:])

    def _geometry(self, shape: Sequence[int]) -> Geometry:
        spatial = len(shape) - self._channel_axis(shape) - 1
        if spatial not in self._known_geometry:
            self._known_geometry[spatial] = Geometry(
                self._per_axis("kernel_size", "kernel_h", "kernel_w", spatial, None, 1),
                self._per_axis("stride", "stride_h", "stride_w", spatial, 1, 1),
                self._per_axis("pad", "pad_h", "pad_w", spatial, 0, 0),
                self._per_axis("dilation", None, None, spatial, 1, 0),
            )
        return self._known_geometry[spatial]

    def _per_axis(
        self, name: str, name_h: str | None, name_w: str | None, spatial: int, default: int | None, least: int
    ) -> list[int]:
        """Return an option given once for all axes, once per axis, or as _h and _w."""
        values = list(getattr(self.options, name))
        if name_h and name_w and (self.options.HasField(name_h) or self.options.HasField(name_w)):
            if spatial != 2:
                raise self.fail(f"{name_h} and {name_w} are for two spatial axes, and there are {spatial}")
            if values:
                raise self.fail(f"give either {name} or {name_h} and {name_w}, not both")
            values = [getattr(self.options, name_h), getattr(self.options, name_w)]
        if not values and spatial:
            if default is None:
                raise self.fail(f"{name} is missing")
            values = [default]
        if len(values) == 1:
            values *= spatial
        if len(values) != spatial:
            raise self.fail(f"{name} has {len(values)} values for {spatial} spatial axes; give 1 or {spatial}")
        if min(values, default=least) < least:
            raise self.fail(f"{name} {values} must be at least {least}")
        return values


class ConvolutionBase(Spatial):
    """Options and shapes common to Convolution and Deconvolution."""

    bottoms = (1, None)
    tops = (1, None)
    transposed: ClassVar[bool] = False

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        if len(definition.bottom) != len(definition.top):
            raise self.fail(
                f"has {len(definition.bottom)} bottoms and {len(definition.top)} tops; one top to each bottom"
            )
        if self.options.num_output < 1:
            raise self.fail("num_output must be positive")
        if self.options.group < 1 or self.options.num_output % self.options.group:
            raise self.fail(f"num_output {self.options.num_output} is not a multiple of group {self.options.group}")

    def param_blobs(self, bottom_shapes: Sequence[Shape]) -> list[ParamBlob]:
        shape = bottom_shapes[0]
        channels = shape[self._channel_axis(shape)]
        options = self.options
        if channels % options.group:
            raise self.fail(f"{channels} input channels are not a multiple of group {options.group}")
        outer, inner = (channels, options.num_output) if self.transposed else (options.num_output, channels)
        blobs = [ParamBlob((outer, inner // options.group, *self._geometry(shape).kernel), options.weight_filler)]
        if options.bias_term:
            blobs.append(ParamBlob((options.num_output,), options.bias_filler))
        return blobs

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        first = bottom_shapes[0]
        if any(tuple(s) != tuple(first) for s in bottom_shapes):
            raise self.fail(f"its bottoms must have equal shapes; got {[tuple(s) for s in bottom_shapes]}")
        axis = self._channel_axis(first)
        out = self._out_sizes(first[axis + 1 :], self._geometry(first))
        if any(n < 1 for n in out):
            raise self.fail(
                f"a bottom of shape {tuple(first)} is smaller than the kernel {self._geometry(first).kernel}"
            )
        return [(*first[:axis], self.options.num_output, *out)] * len(bottom_shapes)

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        return [self._convolved(x, params) for x in bottoms]

    def _convolved(self, x: Tensor, params: Sequence[Tensor]) -> Tensor:
        axis, geometry = self._channel_axis(x.shape), self._geometry(x.shape)
        bias = params[1] if len(params) > 1 else None
        batch = self._as_batch(x, axis)
        if self._torch_fits(x.shape[axis + 1 :], geometry):
            y = self._by_torch(batch, params[0], bias, geometry)
        else:
            y = self._by_columns(batch, params[0], geometry)
            y = y if bias is None else y + bias.view(-1, *[1] * (y.dim() - 2))
        return y if axis == 1 else y.reshape(*x.shape[:axis], *y.shape[1:])

    def backward(self, context: Context, now: Pass) -> Gradients:
        """Sum the gradients over the bottoms, without a second forward pass."""
        shape = now.bottoms[0].shape
        if not self._torch_fits(shape[self._channel_axis(shape) + 1 :], self._geometry(shape)):
            return super().backward(context, now)
        bottom_diffs: list[Tensor | None] = []
        param_diffs: list[Tensor | Product | None] = [None] * len(now.params)
        learns = [bool(need) for need in (*now.needs.params, False)[:2]]
        for x, dy, needed in zip(now.bottoms, now.top_diffs, now.needs.bottoms, strict=True):
            dx, *grads = self._gradients(x, dy, now.params[0], [bool(needed), *learns], alone=len(now.bottoms) == 1)
            bottom_diffs.append(dx if isinstance(dx, Tensor) else None)
            for i, grad in enumerate(grads[: len(now.params)]):
                before = param_diffs[i]
                param_diffs[i] = before + grad if isinstance(before, Tensor) and isinstance(grad, Tensor) else grad
        return bottom_diffs, param_diffs

    def _gradients(
        self, x: Tensor, dy: Tensor, weight: Tensor, wanted: list[bool], *, alone: bool
    ) -> list[Tensor | Product | None]:
        """Return the wanted ones of dx, dW and db.

        By torch, except on a CPU where its kernels are slow and Caffe's matrix products of columns are not: dx of few
        channels, which they fill up to 16, and dW of few positions, which are less work than its weights' two layouts
        (`tests/bench/bench_net.py`).

        alone: whether the layer has no other bottom, so that dW may be a Product.
        """
        axis, geometry = self._channel_axis(x.shape), self._geometry(x.shape)
        images, diffs = self._as_batch(x, axis), self._as_batch(dy, axis)
        found: list[Tensor | Product | None] = [None] * 3
        left = list(wanted)
        if x.device == HOST and len(geometry.kernel) == 2 and self.options.group == 1:
            positions = math.prod((images if self.transposed else diffs).shape[i] for i in (0, 2, 3))
            if wanted[0] and not self.transposed and images.shape[1] <= FEW_CHANNELS:
                found[0], left[0] = image_gradient(images, diffs, weight, geometry).reshape(x.shape), False
            if wanted[1] and alone and 1 <= positions <= FEW_POSITIONS:
                large, small = (diffs, images) if self.transposed else (images, diffs)
                found[1], left[1] = weight_gradient(large, small, geometry), False
                found[2], left[2] = diffs.sum((0, 2, 3)) if wanted[2] else None, False
        if any(left):
            _, stride, pad, dilation = geometry
            sizes, zeros = [self.options.num_output] if left[2] else None, [0] * len(stride)
            by_torch = torch.ops.aten.convolution_backward(
                diffs, images, weight, sizes, stride, pad, dilation, self.transposed, zeros, self.options.group, left
            )
            for i, grad in enumerate(by_torch):
                if left[i]:
                    found[i] = grad.reshape(x.shape) if i == 0 else grad
        return found

    def _torch_fits(self, sizes: Sequence[int], geometry: Geometry) -> bool:
        """Return whether torch supports this convolution."""
        return 1 <= len(sizes) <= 3 and min(geometry.dilation) > 0

    def _by_torch(self, x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
        raise NotImplementedError

    def _by_columns(self, x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
        raise NotImplementedError

    def _out_sizes(self, sizes: Sequence[int], geometry: Geometry) -> list[int]:
        raise NotImplementedError


_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


@register("Convolution")
class Convolution(ConvolutionBase):
    """y = W * x + b."""

    def _out_sizes(self, sizes: Sequence[int], geometry: Geometry) -> list[int]:
        return geometry.windows(sizes)

    def _torch_fits(self, sizes: Sequence[int], geometry: Geometry) -> bool:
        """Return whether torch supports this convolution: not if the kernel exceeds the padded image."""
        reach = [d * (k - 1) + 1 - 2 * p for k, _, p, d in zip(*geometry, strict=True)]
        return super()._torch_fits(sizes, geometry) and all(r <= n for r, n in zip(reach, sizes, strict=True))

    def _by_torch(self, x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
        _, stride, pad, dilation = geometry
        return _CONV[len(stride)](x, weight, bias, stride, pad, dilation, self.options.group)

    def _by_columns(self, x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
        group, out = self.options.group, geometry.windows(x.shape[2:])
        cols = columns(x, geometry).reshape(len(x), group, -1, math.prod(out))
        y = weight.reshape(group, len(weight) // group, -1) @ cols
        return y.reshape(len(x), len(weight), *out)
