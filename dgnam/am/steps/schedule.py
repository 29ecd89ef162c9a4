"""How large a step the ascent takes, from the first to the last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ...errors import DgnamError


class Schedule(Protocol):
    """The size of each step."""

    @property
    def start(self) -> float:
        """That of the first."""
        ...

    @property
    def end(self) -> float:
        """What the last ones go towards."""
        ...

    def step_size(self, step: int, n_iters: int) -> float:
        """The size of step `step`, of 0 to `n_iters` - 1."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """For a run's record: numbers."""
        ...


@dataclass(frozen=True)
class Linear:
    """From `start` in equal steps towards `end`, which the step after the last would have.

    The published `start_lr` and `end_lr`: 8 and 1e-10 for CaffeNet.
    """

    start: float
    end: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and math.isfinite(self.end)):
            raise DgnamError(f"steps from start_lr {self.start} to end_lr {self.end}: both must be finite")

    def step_size(self, step: int, n_iters: int) -> float:
        """The size of step `step`, of 0 to `n_iters` - 1: how far a code or a pixel moves on average (see `ascent`)."""
        return self.start + (self.end - self.start) * step / n_iters

    def as_dict(self) -> dict[str, Any]:
        return {"start_lr": self.start, "end_lr": self.end}


@dataclass(frozen=True)
class Phases:
    """One linear schedule after another, each with its number of steps; the last goes on for any more steps."""

    phases: tuple[tuple[int, Linear], ...]

    def __post_init__(self) -> None:
        if not self.phases or any(steps < 1 for steps, _ in self.phases):
            raise DgnamError(f"{self}: give one phase or more, each of at least one step")

    @classmethod
    def of(cls, rows: Sequence[tuple[int, float, float]]) -> Phases:
        """From (steps, start, end) of each."""
        return cls(tuple((steps, Linear(start, end)) for steps, start, end in rows))

    @property
    def start(self) -> float:
        return self.phases[0][1].start

    @property
    def end(self) -> float:
        return self.phases[-1][1].end

    @property
    def n_iters(self) -> int:
        """The steps of all."""
        return sum(steps for steps, _ in self.phases)

    def step_size(self, step: int, n_iters: int) -> float:
        for steps, phase in self.phases:
            if step < steps:
                return phase.step_size(step, steps)
            step -= steps
        return self.end

    def as_dict(self) -> dict[str, Any]:
        rows = [[steps, phase.start, phase.end] for steps, phase in self.phases]
        return {"start_lr": self.start, "end_lr": self.end, "phases": rows}
