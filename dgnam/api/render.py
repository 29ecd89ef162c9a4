"""Codes through a prior, with no search: the control of every figure."""

from __future__ import annotations

import numpy as np

from ..am import act_range_bounds, random_code
from ..am import render as render_codes
from .priors import open_prior


def render(
    prior: object, codes: np.ndarray, size: tuple[int, int], *, gray: bool = False, device: str = "cpu"
) -> np.ndarray:
    """What a target of `size` sees of the images of `codes`, (N, 3, *size) float32, BGR, mean-subtracted.

    gray: whether it sees gray alone.
    """
    return render_codes(open_prior(prior, size).prior, codes, size, gray=gray, device=device)


def random_codes(prior: object, count: int, seed: int = 0) -> np.ndarray:
    """(count, *code_shape) float32: normal, with a third of each neuron's act_range as deviation, clipped to the range.

    Of a prior without a known act_range they are N(0, 1), as the published start is.
    """
    opened = open_prior(prior, None)
    codes = random_code(seed, (count, *opened.prior.code_shape))
    if opened.act_range is None:
        return codes
    return act_range_bounds(opened.act_range).clip(codes * opened.act_range / 3)
