"""A stopwatch: pycaffe's `Timer`."""

from __future__ import annotations

import time

import torch

from . import mode
from .glog import LOGGER


class Timer:
    """Times a stretch of work: `start()`, the work, `stop()`, then `ms`.

    A second `start` without a `stop` between goes on with the first.  In GPU mode the work that was begun there is
    waited for.
    """

    def __init__(self) -> None:
        self._started: float | None = None
        self._elapsed: float | None = None

    def start(self) -> None:
        """Begin at zero, unless it is running."""
        if self._started is None:
            self._started = _now()

    def stop(self) -> None:
        """End, if it is running."""
        if self._started is not None:
            self._elapsed = _now() - self._started
            self._started = None

    @property
    def ms(self) -> float:
        """The time from start to stop in milliseconds; stops it where it is running, and is 0 where it never ran.

        Caffe's timer on the CPU cuts off what is less than a millisecond; this one keeps it.
        """
        self.stop()
        if self._elapsed is None:
            LOGGER.warning("the time of a Timer was read that has never run")
            return 0.0
        return 1000 * self._elapsed


def _now() -> float:
    """Seconds, once the GPU in use is idle."""
    device = mode.current_device()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
