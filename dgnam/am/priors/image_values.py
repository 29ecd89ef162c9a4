"""From the values of a generator's output to an image: BGR, mean-subtracted."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...data.preprocessing import MEAN_BGR, check_channels
from ...errors import DgnamError
from ..checks import channel_values, finite_numbers


class ImageValues:
    """The meaning of an output: RGB or BGR values in [0, 255], times `scale`, minus `mean`, divided by `std`.

    A tanh output, [-1, 1]: scale=1/255, mean=0.5, std=0.5.  A sigmoid output, [0, 1]: scale=1/255, mean=0, std=1.
    Caffe's BGR minus the mean: scale=1, mean=(104, 117, 123), std=1, channels="BGR".

    mean, std: one number, or one for each channel in the order of `channels`.
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float], scale: float, channels: str):
        check_channels(channels)
        self.channels, self.scale = channels, finite_numbers("scale", [scale])[0]
        self.mean, self.std = channel_values("mean", mean), channel_values("std", std)
        if not self.scale or not all(self.std):
            raise DgnamError(f"scale {scale} and std {std}: neither may be 0")
        ours = MEAN_BGR if channels == "BGR" else MEAN_BGR[::-1]
        self._factors = [std / self.scale for std in self.std]
        self._shifts = [mean / self.scale - c for mean, c in zip(self.mean, ours, strict=True)]

    def images(self, output: Tensor) -> Tensor:
        """Images, BGR, mean-subtracted, from an output (N, 3, H, W); the output itself if it is one already.

        An output (N, 1, H, W) is gray, each channel of which has the same value.
        """
        output = output.expand(-1, 3, -1, -1) if output.shape[1] == 1 else output
        if any(factor != 1 for factor in self._factors):
            output = output * torch.tensor(self._factors).to(output).view(3, 1, 1)
        if any(self._shifts):
            output = output + torch.tensor(self._shifts).to(output).view(3, 1, 1)
        return output if self.channels == "BGR" else output.flip(1)
