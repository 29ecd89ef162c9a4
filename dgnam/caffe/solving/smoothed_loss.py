"""A solver's displayed loss: Caffe's moving average."""

from __future__ import annotations

import numpy as np


class SmoothedLoss:
    """The moving average of the last `window` losses, in float32 like Caffe's, to match its log."""

    def __init__(self, window: int):
        self._window = window
        self._losses: list[np.float32] = []
        self._mean = np.float32(0)

    @np.errstate(all="ignore")
    def add(self, loss: float, index: int) -> float:
        """Add the loss of iteration `index` (0 at the start); returns the mean."""
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
