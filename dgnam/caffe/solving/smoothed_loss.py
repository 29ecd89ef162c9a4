"""The loss that a solver shows: the mean of its last ones, as Caffe computes it."""

from __future__ import annotations

import numpy as np


class SmoothedLoss:
    """The mean of the last `window` losses, as it moves on; in float32, whose rounding shows in Caffe's log."""

    def __init__(self, window: int):
        self._window = window
        self._losses: list[np.float32] = []
        self._mean = np.float32(0)

    @np.errstate(all="ignore")
    def add(self, loss: float, index: int) -> float:
        """Take in the loss of iteration `index` (0 for the first since the start); returns the mean."""
        new = np.float32(loss)
        if len(self._losses) < self._window:
            self._losses.append(new)
            count = np.float32(len(self._losses))
            self._mean = (self._mean * (count - np.float32(1)) + new) / count
        else:
            place = index % self._window
            self._mean += (new - self._losses[place]) / np.float32(self._window)
            self._losses[place] = new
        return float(self._mean)
