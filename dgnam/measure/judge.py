"""An independent classifier's opinion of synthesized images: does it see the class that they were made for?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..caffe.modules.caffe_module import CaffeModule, check_sees_images
from ..errors import DgnamError


@dataclass(frozen=True, eq=False)
class Verdict:
    """How images were ranked; `ranks` (N,) is the place of the wanted class among all classes, 1 the first."""

    ranks: np.ndarray

    def top(self, k: int) -> float:
        """The share of images whose class is among the first `k`."""
        return float((self.ranks <= k).mean())


class Judge:
    """A classifier that ranks classes for an image.

    module: the net, whose input has the size of the images to be judged.
    scores: the layer whose first top holds a score for each class.
    """

    def __init__(self, module: CaffeModule, scores: str):
        check_sees_images(module.plan, "a judge")
        self.module = module.eval().requires_grad_(False)
        self.scores = scores
        height, width = module.plan.blob_shapes[module.plan.inputs[0]][2:]
        self.size = (height, width)

    def rank(self, images: np.ndarray, classes: Sequence[int] | np.ndarray, batch_size: int = 100) -> Verdict:
        """Rank the classes for `images`, (N, 3, *size) float32 BGR, mean-subtracted, made for `classes` (N,).

        A class that ties with the wanted one counts as before it.
        """
        if len(images) == 0 or len(images) != len(classes):
            raise DgnamError(f"{len(images)} images and {len(classes)} classes: give one class to each of one or more")
        if images.shape[2:] != self.size:
            raise DgnamError(f"judge '{self.module.plan.name}' takes images of {self.size}, and got {images.shape[2:]}")
        ranks = []
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            with torch.no_grad():
                blobs = self.module(torch.from_numpy(images[part]).to(self.module.device), end=self.scores)
            scores = next(iter(blobs.values())).flatten(1).cpu().numpy()
            wanted = scores[np.arange(len(scores)), list(classes[part])]
            ranks.append((~(scores < wanted[:, None])).sum(1))  # so that NaN comes last, not first
        return Verdict(np.concatenate(ranks))
