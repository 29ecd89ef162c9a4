"""What a target sees of an image: the centre of it, or all of it, resized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor

from .crop import Size, centre

LEAST_PART = 0.5
"""The least part of an image's side that counts as its centre; a target of less sees the whole image, resized."""


class View(Protocol):
    """A differentiable way from images (N, 3, *outer) to what the target sees (N, 3, *inner); its text is recorded."""

    def __call__(self, images: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Centre:
    """The window of size `inner` in the middle, as the published code crops 227 out of 256."""

    outer: Size
    inner: Size

    def __call__(self, images: Tensor) -> Tensor:
        return images[(..., *centre(self.outer, self.inner))]


@dataclass(frozen=True)
class Resized:
    """The whole image at size `inner`: bilinear, and with the mean of what each pixel covers where it shrinks."""

    outer: Size
    inner: Size

    def __call__(self, images: Tensor) -> Tensor:
        shrinks = self.inner[0] < self.outer[0] or self.inner[1] < self.outer[1]
        return F.interpolate(images, self.inner, mode="bilinear", align_corners=False, antialias=shrinks)


def view(outer: Size, inner: Size) -> View:
    """The centre, where the target's size is at least half of the image's and no larger; or else the image, resized."""
    fits = all(LEAST_PART * o <= i <= o for o, i in zip(outer, inner, strict=True))
    return Centre(outer, inner) if fits else Resized(outer, inner)
