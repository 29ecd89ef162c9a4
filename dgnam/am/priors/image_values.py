"""What the numbers in a generator's output mean, and how they become an image as all of `am` has it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...data.image_set import MEAN_BGR
from ...errors import DgnamError, closest


class ImageValues:
    """A generator's output: RGB or BGR values of 0 to 255, times `scale`, minus `mean`, divided by `std`.

    So a tanh's [-1, 1] is scale=1/255, mean=0.5, std=0.5; a sigmoid's [0, 1] scale=1/255, mean=0, std=1; Caffe's
    BGR minus the mean scale=1, mean=(104, 117, 123), std=1, channels="BGR".

    mean, std: one number, or one for each channel in the order of `channels`.
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float], scale: float, channels: str):
        if channels not in ("RGB", "BGR"):
            raise DgnamError(f"channels '{channels}': give {closest(channels, ('RGB', 'BGR'))}")
        self.channels, self.scale = channels, finite_numbers("scale", [scale])[0]
        self.mean, self.std = three_numbers("mean", mean), three_numbers("std", std)
        if not self.scale or not all(self.std):
            raise DgnamError(f"scale {scale} and std {std}: neither may be 0")
        ours = MEAN_BGR if channels == "BGR" else MEAN_BGR[::-1]
        self._factors = [std / self.scale for std in self.std]
        self._shifts = [mean / self.scale - c for mean, c in zip(self.mean, ours, strict=True)]

    def images(self, output: Tensor) -> Tensor:
        """From an output (N, 3, H, W) to images, BGR, mean-subtracted; the same tensor where that is what it is."""
        if any(factor != 1 for factor in self._factors):
            output = output * torch.tensor(self._factors).to(output).view(3, 1, 1)
        if any(self._shifts):
            output = output + torch.tensor(self._shifts).to(output).view(3, 1, 1)
        return output if self.channels == "BGR" else output.flip(1)


def three_numbers(name: str, values: float | Sequence[float]) -> list[float]:
    """One for each channel, from that or from one for all; another count, or what is not finite, is a DgnamError."""
    found = [values] * 3 if isinstance(values, int | float) else list(values)
    if len(found) != 3:
        raise DgnamError(f"{name} {values}: give one number, or one for each of the 3 channels")
    return finite_numbers(name, found)


def finite_numbers(name: str, values: Sequence[float]) -> list[float]:
    """The same numbers; one that is not finite is a DgnamError."""
    found = torch.tensor(values, dtype=torch.float64)
    if not found.isfinite().all():
        raise DgnamError(f"{name} {list(values)}: not finite")
    return [float(value) for value in values]
