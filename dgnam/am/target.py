"""The network being visualized, as the batch loop needs it.

A target is anything that gives a layer's values for a batch of images; `CaffeTarget` makes one of a Caffe net.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from ..caffe.module import CaffeModule


class Target(Protocol):
    """Images in, a layer's values out.

    size: the height and width of its input.
    """

    size: tuple[int, int]

    def __call__(self, images: Tensor, layer: str) -> Tensor:
        """The values (N, C) or (N, C, H, W) of `layer`, before any in-place layer that follows it.

        images: (N, 3, *size) float32, BGR, mean-subtracted.
        """
        ...

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        """The shape of one image's values: (C,) or (C, H, W)."""
        ...

    def to(self, device: torch.device) -> None:
        """Move to `device`."""
        ...


class CaffeTarget:
    """A Caffe net as a target; its module is put into eval mode and its parameters are frozen.

    memory_format: how the weights lie; channels_last takes 10 to 20 % less time on a CPU, and contiguous_format has
        half the rounding error, about 1e-6 of a step.
    """

    def __init__(self, module: CaffeModule, memory_format: torch.memory_format = torch.channels_last):
        self.module = module.eval().requires_grad_(False)
        self.memory_format = memory_format
        height, width = module.plan.blob_shapes[module.plan.inputs[0]][2:]
        self.size = (height, width)

    def __call__(self, images: Tensor, layer: str) -> Tensor:
        return next(iter(self.module(images, end=layer).values()))

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        plan = self.module.plan
        return plan.blob_shapes[plan.layers[plan.layer_index(layer)].tops[0]][1:]

    def to(self, device: torch.device) -> None:
        self.module.to(device=device, memory_format=self.memory_format)  # type: ignore[call-overload]
