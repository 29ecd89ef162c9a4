"""The prior: a differentiable map from codes to images."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Prior(Protocol):
    """Codes in, images out, differentiable.

    code_shape: shape of one code, without the batch axis.
    image_size: height and width of its images.
    """

    code_shape: tuple[int, ...]
    image_size: tuple[int, int]

    def __call__(self, codes: Tensor) -> Tensor:
        """Images (N, 3, *image_size) float32, BGR, mean-subtracted, of `codes` (N, *code_shape) float32."""
        ...

    def to(self, device: torch.device) -> None:
        """Move to `device`."""
        ...
