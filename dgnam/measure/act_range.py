"""The range of each code neuron's activations over real images: what codes are clipped to (Sec. 2 of the paper)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from ..caffe.module import CaffeModule
from ..data import ImageSet, centre_crop, preprocess


class RunningMoments:
    """Mean and standard deviation of each column, in one pass over batches of rows and in constant memory.

    Batches are merged by Chan, Golub & LeVeque (1979), in float64, so that a large mean costs no digits.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean: np.ndarray | float = 0.0
        self._squares: np.ndarray | float = 0.0

    def update(self, values: np.ndarray) -> None:
        """Add rows: (N, n)."""
        values = np.asarray(values, np.float64)
        if len(values) == 0:
            return
        mean = values.mean(0)
        squares = ((values - mean) ** 2).sum(0)
        total = self.count + len(values)
        delta = mean - self.mean
        self._squares = self._squares + squares + delta**2 * (self.count * len(values) / total)
        self.mean = self.mean + delta * (len(values) / total)
        self.count = total

    @property
    def std(self) -> np.ndarray:
        """The population's standard deviation (n,)."""
        if self.count == 0:
            raise ValueError("no values have been added")
        return np.sqrt(np.asarray(self._squares) / self.count)


def act_range(codes: Iterable[np.ndarray], sigmas: float = 3.0) -> np.ndarray:
    """The upper bound of each code neuron: mean + `sigmas` standard deviations, (n,) float32.

    codes: batches (N, n) of codes of real images, after the ReLU.
    """
    moments = RunningMoments()
    for batch in codes:
        moments.update(batch.reshape(len(batch), -1))
    return (moments.mean + sigmas * moments.std).astype(np.float32)


def codes_of(encoder: CaffeModule, blob: str, images: ImageSet, batch_size: int = 250) -> Iterator[np.ndarray]:
    """The blob `blob` of each picture's centre after the whole forward pass, in batches (N, n)."""
    size = encoder.plan.blob_shapes[encoder.plan.inputs[0]][-1]
    encoder.eval()
    for start in range(0, len(images), batch_size):
        x = preprocess(centre_crop(images.images[start : start + batch_size], size))
        with torch.no_grad():
            yield encoder(torch.from_numpy(x).to(encoder.device), keep=[blob])[blob].cpu().numpy()
