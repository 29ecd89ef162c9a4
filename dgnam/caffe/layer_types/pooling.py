"""Pooling: the maximum, the mean or a random sample of windows, with Caffe's output sizes.

Shapes: bottom (N, C, H, W), top (N, C, H', W') with H' = ceil((H + 2 pad - kernel) / stride) + 1, rounded down instead
where `round_mode` is FLOOR; with padding, a last window that would start beyond the padded image is dropped.
AVE divides by the window's part within the image and its padding, so that padded zeros count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register
from ..proto import pb
from ..syncedmem import HOST

LOWEST = torch.finfo(torch.float32).min
"""The maximum of a window entirely outside the image."""
VECTOR = 8
"""So many channels at least fill a vector register."""


class Windows(NamedTuple):
    """Kernel, stride and pad as [height, width]."""

    kernel: list[int]
    stride: list[int]
    pad: list[int]


@register("Pooling")
class Pooling(Layer):
    """y = max or mean of x over each window; a second top of MAX has the position of each maximum in its plane.

    STOCHASTIC samples one x of the window with probability proportional to x in TRAIN, and returns the mean of x
    weighted by x in TEST (Zeiler & Fergus 2013); x must not be negative.  Caffe supports it on GPUs only.
    """

    tops = (1, 2)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options = definition.pooling_param
        self.method = pb.PoolingParameter.PoolMethod.Name(self.options.pool)
        if len(definition.top) > 1 and self.method != "MAX":
            raise self.fail("only MAX pooling has a second top, the mask")
        self._check_options()

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        shape = bottom_shapes[0]
        if len(shape) != 4:
            raise self.fail(f"takes a bottom of 4 axes (N, C, H, W); got shape {tuple(shape)}")
        windows = self._windows(shape)
        out = [self._out_size(*args) for args in zip(shape[2:], *windows, strict=True)]
        if min(out) < 1:
            raise self.fail(f"a bottom of shape {tuple(shape)} is smaller than the kernel {windows.kernel}")
        return [(*shape[:2], *out)] * len(self.definition.top)

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        x = bottoms[0]
        windows, out = self._windows(x.shape), self.top_shapes([tuple(x.shape)])[0][2:]
        if self.method == "AVE":
            return [self._mean(x, windows, out)]
        if self.method == "STOCHASTIC":
            return [self._draw(context, x, windows, out)]
        context.state.pop("position", None)  # the last pass's, so that its memory is free now
        y, position = self._maximum(x, windows, out)
        context.state["position"] = position
        return [y] if len(self.definition.top) == 1 else [y, position.to(x.dtype)]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """Route dy to the position selected by forward (MAX, STOCHASTIC in TRAIN), or evenly over the window (AVE)."""
        x, dy = now.bottoms[0], now.top_diffs[0]
        if not now.needs.bottoms[0]:
            return [None], []
        windows = self._windows(x.shape)
        fits = self._torch_fits(windows, x.shape, dy.shape[2:])
        if self.method == "AVE" and fits:
            return [torch.ops.aten.avg_pool2d_backward(dy, x, *windows, self._ceil, True, None)], []
        if self.method == "MAX":
            position = now.tops[1].long() if len(now.tops) > 1 else self.kept(context, "position")
        elif self.method == "STOCHASTIC" and context.training:
            position = self.kept(context, "position")
        else:
            return super().backward(context, now)
        if fits and self.method == "MAX" and len(now.tops) == 1:
            return [torch.ops.aten.max_pool2d_with_indices_backward(dy, x, *windows, [1, 1], self._ceil, position)], []
        flat = torch.zeros_like(x).flatten(2)
        # A window that lies wholly outside has no position, -1, and its gradient goes nowhere; a mask is a blob, into
        # which the caller may write anything.
        inside = (position >= 0) & (position < flat.shape[2])
        flat.scatter_add_(2, torch.where(inside, position, 0).flatten(2), (dy * inside).flatten(2))
        return [flat.view_as(x)], []

    def _maximum(self, x: Tensor, windows: Windows, out: Shape) -> tuple[Tensor, Tensor]:
        """Return the maxima and their positions in the plane; -1 for windows entirely outside."""
        if self._torch_fits(windows, x.shape, out):
            up = self._rounds_up(windows, x.shape, out)
            if not (up and torch.compiler.is_compiling()):  # not every runtime that a graph is for rounds up as torch
                return _maxima(x, windows, up)
        padded, top, left = _padded(x, windows, out, max(LOWEST, torch.finfo(x.dtype).min))
        y, index = _maxima(padded, Windows(windows.kernel, windows.stride, [0, 0]), False)
        row, column = index // padded.shape[3] - top, index % padded.shape[3] - left
        inside = (row >= 0) & (row < x.shape[2]) & (column >= 0) & (column < x.shape[3])
        return y, torch.where(inside, row * x.shape[3] + column, -1)

    def _mean(self, x: Tensor, windows: Windows, out: Shape) -> Tensor:
        if self._torch_fits(windows, x.shape, out):
            up = self._rounds_up(windows, x.shape, out)
            if not (up and torch.compiler.is_compiling()):
                return F.avg_pool2d(x, *windows, ceil_mode=up, count_include_pad=True)
        padded, _, _ = _padded(x, windows, out, 0.0)
        sums = F.avg_pool2d(padded, windows.kernel, windows.stride) * math.prod(windows.kernel)
        height, width = (
            torch.tensor([min(i * s - p + k, size + p) - (i * s - p) for i in range(n)], dtype=x.dtype, device=x.device)
            for n, size, k, s, p in zip(out, x.shape[2:], *windows, strict=True)
        )
        return sums / (height[:, None] * width[None, :])

    def _draw(self, context: Context, x: Tensor, windows: Windows, out: Shape) -> Tensor:
        padded, top, left = _padded(x, windows, out, 0.0)
        columns = F.unfold(padded, tuple(windows.kernel), stride=tuple(windows.stride))
        columns = columns.view(*x.shape[:2], math.prod(windows.kernel), *out)
        if not context.training:
            return (columns * columns).sum(2) / columns.sum(2).clamp(min=torch.finfo(torch.float32).tiny)
        running = columns.cumsum(2)
        at = torch.rand(running[:, :, -1].shape, dtype=x.dtype, device=x.device, generator=context.generator)
        reached = running >= at.unsqueeze(2) * running[:, :, -1:]
        drawn = reached.to(torch.uint8).argmax(2, keepdim=True)
        first_row, first_column = (
            torch.arange(n, device=x.device) * s - edge
            for n, s, edge in zip(out, windows.stride, (top, left), strict=True)
        )
        row = first_row[:, None] + drawn[:, :, 0] // windows.kernel[1]
        column = first_column[None, :] + drawn[:, :, 0] % windows.kernel[1]
        # Windows wholly outside have nothing to draw, and those with negative values may not reach their share.
        found = reached.any(2) & (row < x.shape[2]) & (column < x.shape[3])
        context.state["position"] = torch.where(found, row * x.shape[3] + column, -1)
        return torch.where(found, columns.gather(2, drawn)[:, :, 0], 0)

    @property
    def _ceil(self) -> bool:
        return self.options.round_mode == pb.PoolingParameter.CEIL

    def _torch_fits(self, windows: Windows, shape: Sequence[int], out: Sequence[int]) -> bool:
        """Return whether torch's pooling has the same windows: it drops those starting beyond the image."""
        starts_inside = all(
            (n - 1) * s < size + p for n, size, s, p in zip(out, shape[2:], windows.stride, windows.pad, strict=True)
        )
        return starts_inside and all(2 * p <= k for p, k in zip(windows.pad, windows.kernel, strict=True))

    def _rounds_up(self, windows: Windows, shape: Sequence[int], out: Sequence[int]) -> bool:
        """Return whether a window extends beyond the padded image, so that sizes differ from rounding down."""
        return any((n - 1) * s + k > size + 2 * p for n, size, k, s, p in zip(out, shape[2:], *windows, strict=True))

    def _out_size(self, size: int, kernel: int, stride: int, pad: int) -> int:
        span = (size + 2 * pad - kernel) / stride
        out = (math.ceil(span) if self._ceil else math.floor(span)) + 1
        # Caffe drops the last window on one axis if there is padding on either.
        return out - 1 if any(self._pad) and (out - 1) * stride >= size + pad else out

    def _windows(self, shape: Sequence[int]) -> Windows:
        options = self.options
        if options.global_pooling:
            return Windows(list(shape[2:]), [1, 1], [0, 0])
        kernel = [options.kernel_size] * 2 if options.HasField("kernel_size") else [options.kernel_h, options.kernel_w]
        stride = [options.stride_h, options.stride_w] if options.HasField("stride_h") else [options.stride] * 2
        return Windows(kernel, stride, self._pad)

    @property
    def _pad(self) -> list[int]:
        options = self.options
        return [options.pad_h, options.pad_w] if options.HasField("pad_h") else [options.pad] * 2

    def _check_options(self) -> None:
        options = self.options
        sides = options.HasField("kernel_h"), options.HasField("kernel_w")
        for name in ("pad", "stride"):
            h, w = options.HasField(f"{name}_h"), options.HasField(f"{name}_w")
            if h != w or (h and options.HasField(name)):
                raise self.fail(f"give either {name} or both {name}_h and {name}_w")
        kernel, stride, pad = self._windows((1, 1, 1, 1))
        if options.global_pooling:
            if options.HasField("kernel_size") or any(sides):
                raise self.fail("global_pooling takes no kernel size")
            stride = [options.stride_h, options.stride_w] if options.HasField("stride_h") else [options.stride]
            if any(self._pad) or any(s != 1 for s in stride):
                raise self.fail("global_pooling takes pad 0 and stride 1 only")
            return
        if options.HasField("kernel_size") == all(sides):
            raise self.fail("give either kernel_size or both kernel_h and kernel_w")
        if min(kernel) < 1 or min(stride) < 1:
            raise self.fail(f"kernel {kernel} and stride {stride} must be positive")
        if any(pad) and self.method == "STOCHASTIC":
            raise self.fail("padding is for MAX and AVE pooling only")
        if any(p >= k for p, k in zip(pad, kernel, strict=True)):
            raise self.fail(f"pad {pad} must be smaller than the kernel {kernel}")


def _maxima(x: Tensor, windows: Windows, up: bool) -> tuple[Tensor, Tensor]:
    """Return torch's maxima and positions; with channels last, and back, where no gradient is to flow through it.

    Its CPU kernel for channels first is not vectorized and takes three to six times as long as the other one and both
    copies, for the same numbers.
    """
    first = x.is_contiguous() and x.shape[1] >= VECTOR
    if not first or x.device != HOST or torch.is_grad_enabled() or torch.compiler.is_compiling():
        return F.max_pool2d(x, *windows, ceil_mode=up, return_indices=True)
    last = x.contiguous(memory_format=torch.channels_last)
    y, index = F.max_pool2d(last, *windows, ceil_mode=up, return_indices=True)
    return y.contiguous(), index.contiguous()


def _padded(x: Tensor, windows: Windows, out: Sequence[int], value: float) -> tuple[Tensor, int, int]:
    """Pad the image with `value`, or crop it, to the extent of the windows; also returns the top and left margins."""
    sides = []
    for size, n, k, s, p in zip(x.shape[2:], out, *windows, strict=True):
        sides.append((p, (n - 1) * s + k - p - size))
    (top, bottom), (left, right) = sides
    return F.pad(x, (left, right, top, bottom), value=value), top, left
