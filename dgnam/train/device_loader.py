"""Training batches made on the device, where the dataset lies whole: a GPU takes them faster than a CPU crops them.

The same pictures, windows and mirroring as `ImageLoader` has, by the same seed.  With an augmentation the windows are
the same too, while brightness, color and noise are computed in the device's arithmetic.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import DgnamError
from .image_loader import ImageLoader

ON_DEVICE = 8 << 30
"""The bytes of pictures up to which a dataset is brought to the device."""


class DeviceLoader:
    """The batches of `loader`, made on `device`.

    Raises DgnamError for what is made on the CPU only: clips, gray pictures, a mean image.
    """

    def __init__(self, loader: ImageLoader, device: str | torch.device):
        if not fits_on_device(loader):
            raise DgnamError(f"batches of '{loader.layer.source}' are made on the CPU only")
        pictures, labels = loader.dataset.take(slice(None))
        self.loader, self.layer = loader, loader.layer
        self.pictures = torch.from_numpy(pictures).to(device)
        self.labels = torch.from_numpy(labels).to(device)
        self.device = self.pictures.device
        self._mean = torch.tensor(self.layer.mean[::-1], device=device)

    def prepared(self, number: int) -> tuple[Tensor, Tensor]:
        """Batch `number` as the net takes it: (B, 3, H, W) float32 BGR in channels-last memory; labels (B,)."""
        chosen, tops, lefts, mirror = self.loader.chosen(number)
        places, (height, width) = self._there(chosen), self.layer.window
        if self.layer.augmentation is not None:
            images = self.pictures[places].permute(0, 3, 1, 2).float()
            varied = self.layer.augmentation.varied(images, height, mirror, self.loader.draw(number)).permute(
                0, 2, 3, 1
            )
        else:
            reach = np.arange(width)
            across = lefts[:, None] + np.where(mirror[:, None], reach[::-1], reach)
            rows, columns = self._there(tops[:, None] + np.arange(height)), self._there(across)
            varied = self.pictures[places[:, None, None], rows[:, :, None], columns[:, None, :]].float()
        values = (varied - self._mean).flip(-1)
        if self.layer.scale != 1:
            values = values * self.layer.scale
        there = values.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        return there, self.labels[places]

    def stream(self, first: int, last: int) -> Generator[tuple[Tensor, Tensor]]:
        """Batches first … last - 1."""
        for number in range(first, last):
            yield self.prepared(number)

    def _there(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device, non_blocking=True)


def fits_on_device(loader: ImageLoader) -> bool:
    """Whether `DeviceLoader` can make these batches, and the dataset is small enough."""
    layer, (height, width) = loader.layer, loader.dataset.size
    plain = layer.clips is None and not layer.gray and layer.mean_file is None
    return plain and len(loader.dataset) * height * width * 3 <= ON_DEVICE


def stream_on(loader: ImageLoader, device: str | torch.device, first: int, last: int) -> Generator[tuple[Any, Any]]:
    """Batches first … last - 1: made on a GPU where one is used and they can be, else by another thread, as arrays."""
    if torch.device(device).type == "cuda" and fits_on_device(loader):
        return DeviceLoader(loader, device).stream(first, last)
    return loader.stream(first, last)
