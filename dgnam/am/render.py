"""Codes through a prior, with no optimization."""

from __future__ import annotations

import numpy as np
import torch

from .framing import view
from .priors import Prior


def render(
    prior: Prior,
    codes: np.ndarray,
    size: tuple[int, int],
    *,
    batch_size: int = 100,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """What a target of this size sees, (N, 3, *size) float32, BGR, mean-subtracted, of the images that `codes` give."""
    seen = view(prior.image_size, size)
    images = []
    prior.to(torch.device(device))
    with torch.no_grad():
        for start in range(0, len(codes), batch_size):
            part = torch.from_numpy(np.ascontiguousarray(codes[start : start + batch_size], np.float32))
            images.append(seen(prior(part.to(device))).cpu().contiguous().numpy())
    return np.concatenate(images)
