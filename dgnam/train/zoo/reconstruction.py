"""Reconstructions of pictures by a generator, and how near they come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from ...caffe.modules.caffe_module import CaffeModule
from ...data.dataset import Dataset
from ...data.preprocessing import center_window, preprocess
from ..encoder import Encoder

_BATCH = 250


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """G(E(x)) of each picture x of a dataset.

    images: (N, 3, H, W) float32 BGR, mean-subtracted.
    code_cosine: the mean cosine between a reconstruction's code and the picture's.
    feature_distance: squared distance at the first comparator layer, relative to the features' mean square.
    pixel_rms: root mean square difference, in gray levels of 255.
    """

    images: np.ndarray
    code_cosine: float
    feature_distance: float
    pixel_rms: float

    def center(self, size: tuple[int, int]) -> np.ndarray:
        """The center of each image, (N, 3, *size)."""
        return self.images[(..., *center_window((self.images.shape[2], self.images.shape[3]), size))]


def reconstruct(generator: CaffeModule, encoder: Encoder, dataset: Dataset) -> Reconstruction:
    """The generator's reconstructions of all pictures of a dataset, from their codes."""
    pictures, _ = dataset.take(slice(None))
    generator.eval()
    sums = np.zeros(4)
    images = []
    for start in range(0, len(pictures), _BATCH):
        real = torch.from_numpy(preprocess(pictures[start : start + _BATCH]))
        with torch.no_grad():
            code, features = encoder(real)
            fake = next(iter(generator(code).values()))
            fake_code, fake_features = encoder(fake)
        sums[0] += F.cosine_similarity(fake_code.flatten(1), code.flatten(1)).sum().item()
        sums[1] += (fake_features[0] - features[0]).square().sum().item()
        sums[2] += features[0].square().sum().item()
        sums[3] += (fake - real).square().mean((1, 2, 3)).sum().item()
        images.append(fake.numpy())
    cosine, error = sums[0] / len(pictures), float(np.sqrt(sums[3] / len(pictures)))
    return Reconstruction(np.concatenate(images), cosine, sums[1] / sums[2], error)
