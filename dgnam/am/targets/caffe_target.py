"""A Caffe net as a target.

CaffeTarget(zoo.load("caffenet-mini"))
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...caffe.modules.caffe_module import CaffeModule, check_sees_images
from ...data.preprocessing import MEAN_BGR
from ...errors import DgnamError
from ..checks import check_channels
from ..framing import crop_mean


class CaffeTarget:
    """A Caffe net as a target; puts its module into eval mode and freezes its parameters.

    mean: what the net subtracts: (3,) values in [0, 255], or a mean image (3, H, W) whose center crop is used, in the
        order of `channels`.  (Images arrive without the generators' mean; the difference is added.)
    scale: the factor after that.
    channels: BGR, as in Caffe's tools, or RGB.
    memory_format: of the weights; channels_last takes 10 to 20 % less time on a CPU, contiguous_format has half the
        rounding error, about 1e-6 of a step.
    """

    def __init__(
        self,
        module: CaffeModule,
        memory_format: torch.memory_format = torch.channels_last,
        mean: Sequence[float] | np.ndarray = MEAN_BGR,
        scale: float = 1.0,
        channels: str = "BGR",
    ):
        check_channels(channels)
        if not module.plan.inputs:
            raise DgnamError(f"net '{module.plan.name}' has no input, so it cannot be a target")
        check_sees_images(module.plan, "a target")
        if not math.isfinite(scale) or scale == 0:
            raise DgnamError(f"scale {scale}: give a finite number other than 0")
        shape = module.plan.blob_shapes[module.plan.inputs[0]]
        if len(shape) != 4 or shape[1] != 3:
            raise DgnamError(
                f"net '{module.plan.name}' takes {tuple(shape)}, and images are (N, 3, height, width): a target needs "
                "three channels"
            )
        self.module = module.eval().requires_grad_(False)
        self.memory_format, self.scale, self.channels = memory_format, scale, channels
        self.size = (shape[2], shape[3])
        own = np.asarray(mean, np.float32)
        if own.shape != (3,) and (own.ndim != 3 or len(own) != 3 or min(own.shape[1:]) < min(self.size)):
            raise DgnamError(
                f"the mean has shape {own.shape}; needed are 3 values, or an image of at least {self.size}"
            )
        if not np.isfinite(own).all():
            raise DgnamError("the mean has values that are not finite")
        ours = np.asarray(MEAN_BGR if channels == "BGR" else MEAN_BGR[::-1], np.float32).reshape(3, 1, 1)
        shift = ours - crop_mean(own, self.size)
        self.shift = torch.from_numpy(shift) if shift.any() else None

    def __call__(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        return self.module.values_at(layers, self.preprocess(images))

    def preprocess(self, images: Tensor) -> Tensor:
        """The net's input for images (N, 3, *size), BGR, mean-subtracted."""
        values = images if self.channels == "BGR" else images.flip(1)
        values = values if self.shift is None else values + self.shift.to(values)
        return values if self.scale == 1 else values * self.scale

    def layers(self) -> list[str]:
        """Layers with a top, without the inserted splits."""
        return [wired.name for wired in self.module.plan.layers if wired.tops and wired.layer.type != "Split"]

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        plan = self.module.plan
        return plan.blob_shapes[plan.layers[plan.layer_index(layer)].tops[0]][1:]

    def to(self, device: torch.device) -> None:
        self.module.to(device=device, memory_format=self.memory_format)  # type: ignore[call-overload]
