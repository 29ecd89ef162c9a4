"""Denoising of an image (N, C, H, W) by total variation after each step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import DgnamError, optional_module
from .regularizer import Regularizer, StepContext, check_images


@dataclass(frozen=True)
class Denoise(Regularizer):
    """The image u close to x of least |grad u| + weight * (u - x)^2; the smaller the weight, the smoother.

    The weight goes from `start` to about `start + end` in `steps` steps.  Nguyen et al. 2016 (Evolving-AI-Lab/mfv,
    act_max.tvd.center.py): scikit-image's `denoise_tv_bregman` on values in [0, 255], at most 100 iterations for all
    channels together (as it did in 2016, and does without `channel_axis`), with the weight of step i of n as published:
    start - (start - end * i) / n.
    """

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        if not (self.start > 0 and self.end >= 0 and self.steps > 1):
            raise DgnamError(f"{self}: give start above 0, end of at least 0 and two steps or more")

    @property
    def label(self) -> str:
        return f"tvd{self.start:g}-{self.end:g}"

    def weight(self, step: int) -> float:
        """Weight of a step."""
        return self.start - (self.start - self.end * step) / self.steps

    def project(self, codes: Tensor, context: StepContext) -> Tensor:
        check_images(self, codes)
        images = codes.detach().cpu().numpy().astype(np.float64)
        denoised = [_denoised(image, self.weight(context.step)) for image in images]
        return torch.from_numpy(np.stack(denoised).astype(np.float32)).to(codes)


def _denoised(image: np.ndarray, weight: float) -> np.ndarray:
    if not np.isfinite(image).all():
        return image  # the iterations would spread NaN
    restoration = optional_module("skimage.restoration", "denoising by total variation", "scikit-image")
    last = np.ascontiguousarray(image.transpose(1, 2, 0))
    together = restoration.denoise_tv_bregman(last, weight=weight, max_num_iter=100, eps=1e-3)
    return np.asarray(together.transpose(2, 0, 1))
