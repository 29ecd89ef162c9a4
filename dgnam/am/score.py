"""Scores to maximize: of pictures alone, as a neuron's response; or of images and their objectives, as a judge's.

In both the larger is the better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .objectives import Objective

PictureScore = Callable[[np.ndarray], Any]
"""From pictures (n, H, W, 3) uint8 RGB to n finite numbers; it may be noisy.  Evolution takes one.

A lost trial is masked: `np.ma.masked_invalid(rates)` masks NaN and infinity.
"""

ImageScore = Callable[[np.ndarray, Sequence[Objective]], Any]
"""From images (N, 3, h, w) float32, BGR, mean-subtracted, and their objectives to N finite numbers or to one for all of
them.  Tuning takes one."""
