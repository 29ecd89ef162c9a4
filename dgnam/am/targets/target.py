"""The network to visualize: images in, values of layers out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor


class Target(Protocol):
    """A network whose layers can be read.

    size: height and width of its input.

    A target that sees the gray of images alone has an attribute `gray` that is true.
    """

    size: tuple[int, int]

    def __call__(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Values (N, C), tokens (N, T, C), or (N, C, H, W) of each of `layers`, before any in-place layer after it.

        images: (N, 3, *size) float32, BGR, mean-subtracted.
        """
        ...

    def layers(self) -> list[str]:
        """Names of its layers, in the order of the forward pass if known."""
        ...

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        """Shape (C,), (T, C) or (C, H, W) of one image's values.

        Raises DgnamError for an unknown layer, and for one without a row for each image.
        """
        ...

    def to(self, device: torch.device) -> None:
        """Move to `device`."""
        ...
