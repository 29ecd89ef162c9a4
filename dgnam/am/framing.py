"""Framing: how an image of one size is shown to a network of another, by its center or resized, and in gray."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from ..data.preprocessing import center_window
from .gray import gray_of, is_gray

__all__ = ["CenterCrop", "Framing", "InGray", "Resize", "center_window", "choose_framing", "crop_mean", "frame_for"]

Size = tuple[int, int]

LEAST_CROP = 0.5
"""The smallest crop, as a part of the image's side; a smaller target sees the whole image, resized."""


class Framing(Protocol):
    """A differentiable map from images (N, 3, *outer) to a network's input (N, 3, *inner); records keep its repr."""

    def __call__(self, images: Tensor) -> Tensor: ...


class Sized(Protocol):
    """The part of `am.Target` needed here."""

    size: Size


@dataclass(frozen=True)
class CenterCrop:
    """The window of size `inner` at the center, as the published code crops 227 out of 256."""

    outer: Size
    inner: Size

    def __call__(self, images: Tensor) -> Tensor:
        return images[(..., *center_window(self.outer, self.inner))]


@dataclass(frozen=True)
class Resize:
    """The whole image at size `inner`: bilinear, antialiased when it shrinks."""

    outer: Size
    inner: Size

    def __call__(self, images: Tensor) -> Tensor:
        shrinks = self.inner[0] < self.outer[0] or self.inner[1] < self.outer[1]
        return F.interpolate(images, self.inner, mode="bilinear", align_corners=False, antialias=shrinks)


@dataclass(frozen=True)
class InGray:
    """What another framing gives, in gray: three channels of the same values."""

    framing: Framing

    def __call__(self, images: Tensor) -> Tensor:
        return gray_of(self.framing(images)).expand(-1, 3, -1, -1)


def choose_framing(outer: Size, inner: Size) -> Framing:
    """CenterCrop when `inner` is at least half of `outer` and no larger, in both directions; else Resize."""
    fits = all(LEAST_CROP * o <= i <= o for o, i in zip(outer, inner, strict=True))
    return CenterCrop(outer, inner) if fits else Resize(outer, inner)


def frame_for(outer: Size, target: Sized) -> Framing:
    """How a target is shown images of size `outer`: in gray where it sees gray alone."""
    framing = choose_framing(outer, target.size)
    return InGray(framing) if is_gray(target) else framing


def crop_mean(mean: np.ndarray, size: Size) -> np.ndarray:
    """The mean to subtract from images of `size`, float32: (3, 1, 1) from values (3,), (3, *size) from a mean image.

    Of a mean image (3, H, W) it is the center crop.
    """
    mean = np.asarray(mean, np.float32)
    if mean.ndim == 1:
        return mean.reshape(-1, 1, 1)
    rows, columns = center_window((mean.shape[1], mean.shape[2]), size)
    return mean[:, rows, columns]
