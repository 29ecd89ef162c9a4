"""Receptive fields: the part of a network's input that a convolutional unit depends on, for any network.

(box,) = receptive_fields(CaffeTarget(zoo.load("caffenet-mini")), "conv3", [(3, 3)])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..am import Target
from ..am.borrow import borrowed
from ..caffe.mode import exact

_IMAGES, _DEVIATION = 8, 60.0
"""Images of noise whose gradients are joined, and the noise's standard deviation in gray levels."""


@dataclass(frozen=True)
class Box:
    """Rows `top` to `bottom` - 1 and columns `left` to `right` - 1 of an image."""

    top: int
    left: int
    bottom: int
    right: int

    @classmethod
    def whole(cls, size: tuple[int, int]) -> Box:
        """All of an image of this height and width."""
        return cls(0, 0, *size)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """This part of a picture (H, W, …)."""
        return picture[self.top : self.bottom, self.left : self.right]


def receptive_fields(
    target: Target, layer: str, positions: Sequence[tuple[int, int]], *, device: str | torch.device = "cpu"
) -> list[Box]:
    """For each position (row, column) of a layer (C, H, W) the smallest box with all pixels that have a gradient.

    The gradient is that of all the layer's channels together, over several images of noise, the same in each call:
    a ReLU that is off, or a pixel that loses in a maximum, hides pixels in one channel of one image and hardly in all.
    A layer without positions, or without any gradient, depends on the whole input.
    """
    place, whole = torch.device(device), Box.whole(target.size)
    if not positions or len(target.layer_shape(layer)) != 3:
        return [whole for _ in positions]
    target.to(place)
    noise = np.random.RandomState(0).normal(0, _DEVIATION, (_IMAGES, 3, *target.size)).astype(np.float32)
    with torch.inference_mode(False), torch.enable_grad(), exact(), borrowed(target):
        images = torch.from_numpy(noise).to(place).requires_grad_()
        values = target(images, [layer])[layer]
        if not values.requires_grad:
            return [whole for _ in positions]
        signs = torch.from_numpy(np.random.RandomState(1).choice([-1.0, 1.0], tuple(values.shape[:2]))).to(values)
        return [_box((values[:, :, row, column] * signs).sum(), images, whole) for row, column in positions]


def _box(value: Tensor, images: Tensor, whole: Box) -> Box:
    """Where a value has a gradient by any of the images."""
    (gradient,) = torch.autograd.grad(value, images, retain_graph=True, allow_unused=True)
    if gradient is None:
        return whole
    touched = gradient.flatten(0, 1).ne(0).any(0)
    rows, columns = (torch.nonzero(touched.any(axis)).flatten().tolist() for axis in (1, 0))
    return Box(rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) if rows else whole
