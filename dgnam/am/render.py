"""Images of codes, without optimization."""

from __future__ import annotations

import numpy as np
import torch

from ..caffe.mode import exact
from ..errors import DgnamError
from .framing import Framing, InGray, choose_framing
from .priors import Prior


def render(
    prior: Prior,
    codes: np.ndarray,
    size: tuple[int, int],
    *,
    gray: bool = False,
    batch_size: int = 100,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Images (N, 3, *size) float32, BGR, mean-subtracted, of `codes` (N, *code_shape), as a target of `size` sees them.

    gray: whether it sees gray alone; the three channels have the same values then.
    Raises DgnamError for codes of another shape.
    """
    if codes.shape[1:] != tuple(prior.code_shape):
        needed = ", ".join(map(str, ("n", *prior.code_shape)))
        raise DgnamError(f"the codes have shape {codes.shape}, and the prior's are ({needed})")
    framing: Framing = choose_framing(prior.image_size, size)
    framing = InGray(framing) if gray else framing
    images = [np.zeros((0, 3, *size), np.float32)]
    prior.to(torch.device(device))
    with torch.no_grad(), exact():
        for start in range(0, len(codes), batch_size):
            part = torch.from_numpy(np.ascontiguousarray(codes[start : start + batch_size], np.float32))
            images.append(framing(prior(part.to(device))).cpu().contiguous().numpy())
    return np.concatenate(images)
