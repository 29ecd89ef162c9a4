"""Gray: what a network of one channel sees of an image, and how its image is shown.

The gray of a color is 0.299 R + 0.587 G + 0.114 B, as in OpenCV and Pillow (ITU-R BT.601).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..data.preprocessing import MEAN_BGR

WEIGHTS_BGR = (0.114, 0.587, 0.299)

MEAN_GRAY = sum(weight * mean for weight, mean in zip(WEIGHTS_BGR, MEAN_BGR, strict=True))
"""The gray of the mean color that images lack."""


def gray_of(values: Tensor, channels: str = "BGR") -> Tensor:
    """The gray (…, 1, H, W) of three channels (…, 3, H, W), in the order of `channels`."""
    weights = WEIGHTS_BGR if channels == "BGR" else WEIGHTS_BGR[::-1]
    return (values * torch.tensor(weights).to(values).view(3, 1, 1)).sum(-3, keepdim=True)


def is_gray(part: object) -> bool:
    """Whether a target sees, or a prior makes, one channel of gray."""
    return bool(getattr(part, "gray", False))
