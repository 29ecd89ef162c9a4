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
from ...caffe.wiring.build import NetPlan
from ...data.preprocessing import MEAN_BGR, check_channels
from ...errors import DgnamError
from ..argument_types import checked
from ..borrow import borrowed
from ..framing import crop_mean
from ..gray import MEAN_GRAY, gray_of
from ..rows import row_fault, trial_images
from ..torch_modules import device_of, from_module, placed, to_module
from .caffe_layers import caffe_layers


class CaffeTarget:
    """A Caffe net as a target; its module is in eval mode and frozen during a pass, and left as it was found.

    mean: what the net subtracts: (3,) values in [0, 255], or a mean image (3, H, W) whose center crop is used, in the
        order of `channels`; None is 104, 117, 123.  (Images arrive without the generators' mean; the difference is
        added.)  For a net of one channel, which sees the gray of the picture: one value, 0 where None, or an image
        (1, H, W), or the gray of three.
    scale: the factor after that.
    channels: BGR, as in Caffe's tools, or RGB.
    gray: whether the net takes one channel.
    memory_format: of the weights; channels_last takes 10 to 20 % less time on a CPU, contiguous_format has half the
        rounding error, about 1e-6 of a step.
    """

    @checked
    def __init__(
        self,
        module: CaffeModule,
        memory_format: torch.memory_format = torch.channels_last,
        mean: Sequence[float] | np.ndarray | None = None,
        scale: float = 1.0,
        channels: str = "BGR",
    ):
        check_channels(channels)
        if not module.plan.inputs:
            raise DgnamError(f"net '{module.plan.name}' has no input, so it cannot be a target")
        self.check_plan(module.plan)
        if not math.isfinite(scale) or scale == 0:
            raise DgnamError(f"scale {scale}: give a finite number other than 0")
        shape = module.plan.blob_shapes[module.plan.inputs[0]]
        if len(shape) != 4 or shape[1] not in (1, 3):
            raise DgnamError(
                f"net '{module.plan.name}' takes {tuple(shape)}, and images are (N, 3, height, width): a target needs "
                "three channels, or one of gray"
            )
        self.module = self.running = module
        self.memory_format, self.scale, self.channels = memory_format, scale, channels
        self.size, self.gray = (shape[2], shape[3]), shape[1] == 1
        shift = self._shift(mean)
        self.shift = shift if shift.any() else None
        self._known = caffe_layers(module.plan)
        self._faults: dict[str, str | None] = {}

    def check_plan(self, plan: NetPlan) -> None:
        """Raise DgnamError for a net that sees no single images."""
        check_sees_images(plan, "a target")

    def __call__(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        with borrowed(self.running):
            found = self.running.values_at(layers, to_module(self.preprocess(images), self.running))
        device = images.device
        return {layer: self._known[layer].arranged(from_module(values, device)) for layer, values in found.items()}

    def preprocess(self, images: Tensor) -> Tensor:
        """The net's input for images (N, 3, *size), BGR, mean-subtracted."""
        values = gray_of(images) if self.gray else images if self.channels == "BGR" else images.flip(1)
        values = values if self.shift is None else values + self.shift.to(values)
        return values if self.scale == 1 else values * self.scale

    def layers(self) -> list[str]:
        """Layers with a top, without the inserted splits."""
        return list(self._known)

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        if layer not in self._known:
            self.module.plan.layer_index(layer)
            raise DgnamError(f"layer '{layer}' has no top, so it has no units")
        known = self._known[layer]
        if layer not in self._faults:
            self._faults[layer] = known.fault if known.fault is not None or not known.shape else self._tried(layer)
        fault = self._faults[layer]
        if fault is not None:
            raise DgnamError(fault)
        return known.shape

    def to(self, device: torch.device) -> None:
        self.running = placed(self.module, device)
        self.running.to(memory_format=self.memory_format)  # type: ignore[call-overload]

    def _tried(self, layer: str) -> str | None:
        """What is wrong with the rows of a layer, from three passes up to it when it is first asked for."""

        def read(images: Tensor) -> Tensor:
            with borrowed(self.running), torch.no_grad():
                return self.running.values_at([layer], to_module(self.preprocess(images), self.running))[layer]

        try:
            return row_fault(f"layer '{layer}'", read, trial_images(self.size).to(device_of(self.running)))
        except DgnamError as error:
            others = (self.module.plan.blob_names[blob] for blob in self.module.plan.inputs[1:])
            lacking = next((name for name in others if f"blob '{name}' was neither given" in str(error)), None)
            if lacking is None:
                raise
            return (
                f"layer '{layer}' of net '{self.module.plan.name}' needs a second input, '{lacking}', and a target is "
                f"given images alone: take a layer that does without, or make '{lacking}' a DummyData layer"
            )

    def _shift(self, mean: Sequence[float] | np.ndarray | None) -> Tensor:
        """What is added to images, or to their gray, for the net's own mean."""
        usual = (0.0,) if self.gray else MEAN_BGR if self.channels == "BGR" else MEAN_BGR[::-1]
        own = np.asarray(usual if mean is None else mean, np.float32)
        sizes = (1, 3) if self.gray else (3,)
        image = own.ndim == 3 and len(own) in sizes and min(own.shape[1:]) >= min(self.size)
        if not image and not (own.ndim == 1 and len(own) in sizes):
            raise DgnamError(
                f"the mean has shape {own.shape}; needed are {sizes[0]} values, or an image of at least {self.size}"
            )
        if not np.isfinite(own).all():
            raise DgnamError("the mean has values that are not finite")
        subtracted = crop_mean(own, self.size)
        if self.gray:
            values = torch.from_numpy(subtracted)
            return MEAN_GRAY - (gray_of(values, self.channels) if len(values) == 3 else values)
        ours = np.asarray(MEAN_BGR if self.channels == "BGR" else MEAN_BGR[::-1], np.float32).reshape(3, 1, 1)
        return torch.from_numpy(ours - subtracted)
