"""How far a training is: the bar, and the log's lines with pictures a second and the share of time without data."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from ..runs.environment import threads
from ..runs.progress import progress_bar
from .checkpoint import append_log

Item = TypeVar("Item")


class Progress:
    """The progress of one process of a run.

    folder: the run's, for its log.
    first, total: the iteration that it starts with, and that the run ends with.
    images: how many pictures an iteration takes.
    before: the seconds that earlier processes of the run took.
    device: what it computes on; the log gets a line with that and the number of threads, where there is work to do.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        first: int,
        total: int,
        images: int,
        before: float,
        device: str,
        show: bool = True,
    ):
        self.folder, self.name, self._images, self._before = folder, name, images, before
        self._started = self._since = self._stepped = time.monotonic()
        self._last, self._waited = first, 0.0
        if first < total:
            append_log(folder, {"iteration": first, "device": device, "threads": threads()})
        self._bar = _bar(name, first, total) if show else None

    @property
    def elapsed(self) -> float:
        """The seconds since this process began."""
        return time.monotonic() - self._started

    @property
    def seconds(self) -> float:
        """The seconds of the whole run."""
        return self._before + self.elapsed

    def wait(self, batches: Iterator[Item]) -> Item:
        """The next batch; the time until it is there counts as waiting."""
        asked = time.monotonic()
        batch = next(batches)
        self._waited += time.monotonic() - asked
        return batch

    def step(self) -> None:
        """An iteration is done."""
        self._stepped = time.monotonic()
        if self._bar is not None:
            self._bar.update()

    def log(self, iteration: int, **values: float) -> None:
        """A line of the log, with how fast it went since the one before.

        images_per_second: pictures by the clock; waiting: the share of the time in which the next batch wasn't ready.
        """
        now = time.monotonic()
        passed = max(now - self._since, 1e-9)
        speed = {
            "images_per_second": (iteration - self._last) * self._images / passed,
            "waiting": self._waited / passed,
        }
        rounded = {key: round(value, 4) for key, value in speed.items()}
        append_log(self.folder, {"iteration": iteration, **values, "seconds": round(self.seconds, 2), **rounded})
        self._since = self._stepped = now
        self._last, self._waited = iteration, 0.0
        if self._bar is not None:
            shown = {key: f"{value:.3f}" for key, value in values.items() if key != "rate"}
            self._bar.set_postfix(shown, refresh=False)

    def tested(self, iteration: int, **scores: float) -> None:
        """A line of the log, and one on the screen, with what was measured on held-out pictures."""
        append_log(self.folder, {"iteration": iteration, **scores})
        self._since += time.monotonic() - self._stepped  # the test is no training
        if self._bar is not None:
            shown = ", ".join(f"{key} {value:.2%}" for key, value in scores.items())
            self._bar.write(f"{self.name}: iteration {iteration}, held-out {shown}", file=sys.stderr)

    def close(self) -> None:
        """Put the bar away."""
        if self._bar is not None:
            self._bar.close()


def _bar(name: str, first: int, total: int) -> Any:
    """A bar, where tqdm is installed: the trainers do without, so that a GPU machine needs little."""
    with suppress(ImportError):
        return progress_bar(total=total, initial=first, unit="it", desc=name)
    return None
