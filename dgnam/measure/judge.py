"""Judge synthesized images by an independent classifier: does it recognize the class they were made for?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..am import Target
from ..am.borrow import borrowed
from ..am.framing import Resize
from ..caffe.layer_types.pooling import Pooling
from ..caffe.mode import exact
from ..caffe.modules.caffe_module import CaffeModule, check_sees_images
from ..data.preprocessing import quantized
from ..errors import DgnamError

_BATCH = 100


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a classifier says of the class that each image was made for.

    ranks: (N,), the class's place among all classes, 1 the first.
    log_probability: (N,), the natural logarithm of its softmax.
    """

    ranks: np.ndarray
    log_probability: np.ndarray

    @classmethod
    def of_scores(cls, scores: np.ndarray, classes: Sequence[int] | np.ndarray) -> Verdict:
        """By scores (N, C) before any softmax, of images made for `classes` (N,)."""
        wide = scores.astype(np.float64)
        with np.errstate(invalid="ignore"):
            log_softmax = wide - np.logaddexp.reduce(wide, axis=1, keepdims=True)
        return cls(ranks_of(scores, classes), log_softmax[np.arange(len(scores)), list(classes)])

    def top(self, k: int) -> float:
        """The share of images whose class is among the first `k`."""
        return float((self.ranks <= k).mean())

    def points(self, k: int = 1) -> np.ndarray:
        """100 where the class is among the first `k`, else 0: percentage points."""
        return 100.0 * (self.ranks <= k)

    def reshape(self, *shape: int) -> Verdict:
        """The same with arrays of another shape, as (units, seeds)."""
        return Verdict(self.ranks.reshape(shape), self.log_probability.reshape(shape))


def rank_by_target(
    target: Target,
    layer: str,
    images: np.ndarray,
    classes: Sequence[int] | np.ndarray,
    among: Sequence[int] | None = None,
) -> Verdict:
    """Rank the units of a target's layer for `images`, (N, 3, *size) float32 BGR, mean-subtracted.

    among: only these units are ranked, and `classes` are places in it; None ranks all.
    """
    ranked = slice(None) if among is None else list(among)

    def score(part: np.ndarray) -> Tensor:
        with torch.no_grad(), exact():
            return target(torch.from_numpy(part), [layer])[layer].flatten(1)[:, ranked]

    return Verdict.of_scores(_in_batches(score, images, _BATCH), classes)


def resized(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Images (N, 3, H, W) float32 at the size of a judge of another one: all of each, bilinear and antialiased."""
    outer = (images.shape[2], images.shape[3])
    return images if outer == size else Resize(outer, size)(torch.from_numpy(images)).numpy()


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


def _in_batches(call: Callable[[np.ndarray], Tensor], images: np.ndarray, batch_size: int) -> np.ndarray:
    """What a function of images (N, 3, H, W) gives for each, called with so many at once."""
    starts = range(0, len(images), batch_size)
    return np.concatenate([call(images[start : start + batch_size]).cpu().numpy() for start in starts])


class BaseJudge(ABC):
    """A classifier that says which class an image shows; it ends in global average pooling and one linear layer.

    It sees pictures of eight bits: of an image's values those beyond 0..255, with the mean added, are clipped.
    """

    batch_size = 100

    @abstractmethod
    def scored(self, images: np.ndarray) -> Tensor:
        """(N, classes), the scores of images (N, 3, H, W) float32 BGR, mean-subtracted, N of them at once."""

    @abstractmethod
    def mapped(self, images: np.ndarray) -> Tensor:
        """(N, K, h, w), what the global pooling takes in, of N images at once."""

    @property
    @abstractmethod
    def class_weights(self) -> np.ndarray:
        """(classes, K) of the linear layer, as `class_activation_maps` takes them."""

    def rank(self, images: np.ndarray, classes: Sequence[int] | np.ndarray, batch_size: int | None = None) -> Verdict:
        """Rank the classes for `images`, (N, 3, H, W) float32 BGR, mean-subtracted, made for `classes` (N,).

        A class that ties with the wanted one counts as before it, and images with NaN come last.
        """
        check_classes(images, classes)
        scores = self._each(self.scored, images, batch_size)
        scores[np.isnan(images).any((1, 2, 3))] = np.nan
        return Verdict.of_scores(scores, classes)

    def maps(self, images: np.ndarray) -> np.ndarray:
        """(N, K, h, w) float32, what the global pooling takes in."""
        return self._each(self.mapped, images)

    def features(self, images: np.ndarray) -> np.ndarray:
        """(N, K) float32, what the global pooling makes of its input."""
        return self._each(lambda part: self.mapped(part).mean((2, 3)), images)

    def _each(
        self, call: Callable[[np.ndarray], Tensor], images: np.ndarray, batch_size: int | None = None
    ) -> np.ndarray:
        return _in_batches(call, images, self.batch_size if batch_size is None else batch_size)


@dataclass(frozen=True, eq=False)
class TargetJudge:
    """Any target as a judge: it sees all of each image, at its own size, as a picture of eight bits.

    layer: its scores.
    units: the unit of `layer` of each class; only these are ranked.
    """

    target: Target
    layer: str
    units: Sequence[int]

    def rank(self, images: np.ndarray, classes: Sequence[int] | np.ndarray) -> Verdict:
        """Rank the classes for `images`, (N, 3, H, W) float32 BGR, mean-subtracted, made for `classes` (N,).

        A class that ties with the wanted one counts as before it, and images with NaN come last.
        """
        check_classes(images, classes)
        seen = resized(quantized(images), self.target.size)
        seen[np.isnan(images).any((1, 2, 3))] = np.nan
        return rank_by_target(self.target, self.layer, seen, classes, self.units)


class Judge(BaseJudge):
    """A classifier of Caffe's as a judge of images of its own size; its module is left as it was found.

    module: the net; its input has the size of the images to be judged.
    scores: the layer whose first top holds a score for each class.
    """

    def __init__(self, module: CaffeModule, scores: str):
        check_sees_images(module.plan, "a judge")
        self.module = module
        self.scores = scores
        height, width = module.plan.blob_shapes[module.plan.inputs[0]][2:]
        self.size = (height, width)

    def scored(self, images: np.ndarray) -> Tensor:
        return self._forward(images, self.scores).flatten(1)

    def mapped(self, images: np.ndarray) -> Tensor:
        return self._forward(images, self._before_pooling)

    @cached_property
    def class_weights(self) -> np.ndarray:
        return self.module.get_parameter(f"{self.scores}/0").detach().cpu().numpy()

    @cached_property
    def _before_pooling(self) -> str:
        """The layer whose top the global pooling under the scores takes in."""
        layers = self.module.plan.layers
        place = next(k for k, wired in enumerate(layers) if wired.name == self.scores)
        pooling = self.module.plan.layers[place - 1]
        if not (isinstance(pooling.layer, Pooling) and pooling.layer.options.global_pooling):
            raise DgnamError(f"judge '{self.module.plan.name}' has no global pooling before {self.scores}")
        return layers[place - 2].name

    def _forward(self, images: np.ndarray, end: str) -> Tensor:
        if images.shape[2:] != self.size:
            raise DgnamError(f"judge '{self.module.plan.name}' takes images of {self.size}, and got {images.shape[2:]}")
        with torch.no_grad(), exact(), borrowed(self.module):
            blobs = self.module(torch.from_numpy(quantized(images)).to(self.module.device), end=end)
        return next(iter(blobs.values()))
