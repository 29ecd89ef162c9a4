"""A prior of clips: as many codes of a prior of images as there are frames, optimized together."""

from __future__ import annotations

import torch
from torch import Tensor

from ..framing import choose_framing
from .prior import Prior


class ClipPrior:
    """Codes (N, frames, *code_shape) of a prior to film strips (N, 3, H, frames * W), the frames side by side.

    prior: of single images; each frame has the framing that a target of `frame_size` would have of them.
    """

    def __init__(self, prior: Prior, frames: int, frame_size: tuple[int, int]):
        self.prior, self.frames, self.frame_size = prior, frames, frame_size
        self.code_shape: tuple[int, ...] = (frames, *prior.code_shape)
        self.image_size = (frame_size[0], frames * frame_size[1])
        self._framing = choose_framing(prior.image_size, frame_size)

    @property
    def running(self) -> object:
        """The module of the prior of images, where it computes; None where it has none."""
        return getattr(self.prior, "running", None)

    def __call__(self, codes: Tensor) -> Tensor:
        frames = self._framing(self.prior(codes.flatten(0, 1)))
        return frames.unflatten(0, (-1, self.frames)).permute(0, 2, 3, 1, 4).flatten(3)

    def to(self, device: torch.device) -> None:
        self.prior.to(device)
