"""im2col over any number of axes, for convolutions not supported by torch, and the gradients of others by columns.

Window o of an axis covers the positions o * stride - pad + k * dilation, k from 0 to kernel - 1, with zero padding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..syncedmem import Product


class Geometry(NamedTuple):
    """Kernel, stride, pad and dilation, a number for each spatial axis."""

    kernel: list[int]
    stride: list[int]
    pad: list[int]
    dilation: list[int]

    def windows(self, sizes: Sequence[int]) -> list[int]:
        """Return the number of windows along each axis.

        As in C, quotients are truncated: an image too small by less than a stride has one window.
        """
        spans = [n + 2 * p - (d * (k - 1) + 1) for n, k, _, p, d in zip(sizes, *self, strict=True)]
        return [math.trunc(span / s) + 1 for span, s in zip(spans, self.stride, strict=True)]


def columns(x: Tensor, geometry: Geometry) -> Tensor:
    """im2col: (B, C, *sizes) → (B, C, *kernel, *windows)."""
    sizes = list(x.shape[2:])
    spatial, counts = len(sizes), geometry.windows(sizes)
    for i, places in enumerate(_places(geometry, counts, x.device)):
        # Each earlier axis has become two: kernel and window.
        axis, kernel = 2 + 2 * i, geometry.kernel[i]
        x = _padded(x, axis, geometry.pad[i], max(0, int(places.max()) + 1 - sizes[i] - geometry.pad[i]))
        x = x.index_select(axis, places).unflatten(axis, (kernel, counts[i]))
    return x.permute(0, 1, *range(2, 2 + 2 * spatial, 2), *range(3, 3 + 2 * spatial, 2))


def images(cols: Tensor, geometry: Geometry, sizes: Sequence[int]) -> Tensor:
    """col2im, the transpose of `columns`: (B, C, *kernel, *windows) → (B, C, *sizes)."""
    spatial = len(sizes)
    counts = list(cols.shape[2 + spatial :])
    pairs = [axis for i in range(spatial) for axis in (2 + i, 2 + spatial + i)]
    x = cols.permute(0, 1, *pairs)
    for i, places in reversed(list(enumerate(_places(geometry, counts, cols.device)))):
        axis = 2 + 2 * i
        flat, pad = x.flatten(axis, axis + 1), geometry.pad[i]
        reach = max(sizes[i] + pad, int(places.max()) + 1)
        total = flat.new_zeros(*flat.shape[:axis], reach, *flat.shape[axis + 1 :])
        x = total.index_add(axis, places, flat).narrow(axis, pad, sizes[i])
    return x


def image_gradient(x: Tensor, dy: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """dx = col2im(W' dy), image by image, since the columns are many times as large as an image."""
    kernel, stride, pad, dilation = map(tuple, geometry)
    rows, dx = weight.flatten(1).t(), torch.empty_like(x, memory_format=torch.contiguous_format)
    for i, image in enumerate(dy):
        dx[i] = F.fold(rows @ image.flatten(1), x.shape[2:], kernel, dilation, pad, stride)
    return dx


def weight_gradient(large: Tensor, small: Tensor, geometry: Geometry) -> Product:
    """dW = small im2col(large)': of a convolution, top diff and bottom; of its transpose, bottom and top diff."""
    kernel, stride, pad, dilation = map(tuple, geometry)
    cols = F.unfold(large, kernel, dilation, pad, stride)
    return Product(small.flatten(2).transpose(1, 2).flatten(0, 1), cols.transpose(1, 2).flatten(0, 1))


def _places(geometry: Geometry, counts: Sequence[int], device: torch.device) -> list[Tensor]:
    """Return for each axis the positions of each window's taps in the padded image: (kernel * windows,)."""
    taps = [torch.arange(k, device=device) * d for k, d in zip(geometry.kernel, geometry.dilation, strict=True)]
    starts = [torch.arange(n, device=device) * s for n, s in zip(counts, geometry.stride, strict=True)]
    return [(tap[:, None] + start[None, :]).flatten() for tap, start in zip(taps, starts, strict=True)]


def _padded(x: Tensor, axis: int, before: int, after: int) -> Tensor:
    return F.pad(x, [0, 0] * (x.dim() - 1 - axis) + [before, after])
