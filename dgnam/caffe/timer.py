"""pycaffe's `Timer`: wall-clock time in milliseconds."""

from __future__ import annotations

import time

import torch

from . import mode
from .glog import LOGGER


class Timer:
    """Measures the time between `start()` and `stop()`, in `ms`.

    Calling `start` while the timer runs has no effect.  In GPU mode both calls wait for pending GPU work.
    """

    def __init__(self) -> None:
        self._started: float | None = None
        self._elapsed: float | None = None

    def start(self) -> None:
        """Start from zero, unless the timer is running."""
        if self._started is None:
            self._started = _now()

    def stop(self) -> None:
        """Stop, if the timer is running."""
        if self._started is not None:
            self._elapsed = _now() - self._started
            self._started = None

    @property
    def ms(self) -> float:
        """The time from start to stop in milliseconds; stops a running timer, and is 0 if the timer never ran.

        Caffe's CPU timer truncates to whole milliseconds; this one keeps fractions.
        """
        self.stop()
        if self._elapsed is None:
            LOGGER.warning("the time of a Timer was read that has never run")
            return 0.0
        return 1000 * self._elapsed


def _now() -> float:
    """Return the time in seconds, after pending GPU work."""
    device = mode.current_device()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
