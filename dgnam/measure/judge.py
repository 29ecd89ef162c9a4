"""Judge synthesized images by an independent classifier: does it recognize the class they were made for?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..am import Target
from ..am.borrow import borrowed
from ..caffe.modules.caffe_module import CaffeModule, check_sees_images
from ..errors import DgnamError

_BATCH = 100


@dataclass(frozen=True, eq=False)
class Verdict:
    """The rank of the wanted class of each image among all classes: `ranks` (N,), 1 the first."""

    ranks: np.ndarray

    def top(self, k: int) -> float:
        """The share of images whose class is among the first `k`."""
        return float((self.ranks <= k).mean())


def rank_by_target(target: Target, layer: str, images: np.ndarray, classes: Sequence[int] | np.ndarray) -> Verdict:
    """Rank the units of a target's layer for `images`, (N, 3, *size) float32 BGR, mean-subtracted."""
    ranks = []
    for start in range(0, len(images), _BATCH):
        part = slice(start, start + _BATCH)
        with torch.no_grad():
            scores = target(torch.from_numpy(images[part]), [layer])[layer].flatten(1).cpu().numpy()
        ranks.append(ranks_of(scores, classes[part]))
    return Verdict(np.concatenate(ranks))


def ranks_of(scores: np.ndarray, classes: Sequence[int] | np.ndarray) -> np.ndarray:
    """The place of each row's class, (N,), by `scores` (N, C): 1 the first.

    A class that ties with it counts as before it, and NaN comes last.
    """
    wanted = scores[np.arange(len(scores)), list(classes)]
    return np.asarray((~(scores < wanted[:, None])).sum(1))


def check_classes(images: np.ndarray, classes: Sequence[int] | np.ndarray) -> None:
    """Raise DgnamError unless there are images, with a class for each."""
    if len(images) == 0 or len(images) != len(classes):
        raise DgnamError(f"{len(images)} images and {len(classes)} classes: give one class to each of one or more")


class Judge:
    """A classifier that ranks classes for an image; its module is left as it was found.

    module: the net; its input has the size of the images to be judged.
    scores: the layer whose first top holds a score for each class.
    """

    def __init__(self, module: CaffeModule, scores: str):
        check_sees_images(module.plan, "a judge")
        self.module = module
        self.scores = scores
        height, width = module.plan.blob_shapes[module.plan.inputs[0]][2:]
        self.size = (height, width)

    def rank(self, images: np.ndarray, classes: Sequence[int] | np.ndarray, batch_size: int = 100) -> Verdict:
        """Rank the classes for `images`, (N, 3, *size) float32 BGR, mean-subtracted, made for `classes` (N,).

        A class that ties with the wanted one counts as before it.
        """
        check_classes(images, classes)
        if images.shape[2:] != self.size:
            raise DgnamError(f"judge '{self.module.plan.name}' takes images of {self.size}, and got {images.shape[2:]}")
        ranks = []
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            ranks.append(ranks_of(self.scored(images[part]).cpu().numpy(), classes[part]))
        return Verdict(np.concatenate(ranks))

    def scored(self, images: np.ndarray) -> Tensor:
        """(N, classes), the scores of images of its size, N of them at once."""
        with torch.no_grad(), borrowed(self.module):
            blobs = self.module(torch.from_numpy(images).to(self.module.device), end=self.scores)
        return next(iter(blobs.values())).flatten(1)
