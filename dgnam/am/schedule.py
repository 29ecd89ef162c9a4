"""How large a step the ascent takes, from the first to the last."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Linear:
    """From `start` in equal steps towards `end`, which the step after the last would have.

    The published `start_lr` and `end_lr`: 8 and 1e-10 for CaffeNet.
    """

    start: float
    end: float

    def step_size(self, step: int, n_iters: int) -> float:
        """The size of step `step`, of 0 to `n_iters` - 1: how far a code or a pixel moves on average."""
        return self.start + (self.end - self.start) * step / n_iters
