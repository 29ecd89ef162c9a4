"""Images of codes, without optimization."""

from __future__ import annotations

import numpy as np
import torch

from .framing import choose_framing
from .priors import Prior


def render(
    prior: Prior,
    codes: np.ndarray,
    size: tuple[int, int],
    *,
    batch_size: int = 100,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Images of `codes` as a target of this size sees them: (N, 3, *size) float32, BGR, mean-subtracted."""
    framing = choose_framing(prior.image_size, size)
    images = []
    prior.to(torch.device(device))
    with torch.no_grad():
        for start in range(0, len(codes), batch_size):
            part = torch.from_numpy(np.ascontiguousarray(codes[start : start + batch_size], np.float32))
            images.append(framing(prior(part.to(device))).cpu().contiguous().numpy())
    return np.concatenate(images)
