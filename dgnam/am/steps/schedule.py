"""The schedule: the size of each step, from the first to the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ...errors import DgnamError
from ..checks import check_number


class Schedule(Protocol):
    """The size of each step."""

    @property
    def start(self) -> float:
        """Size of the first step."""
        ...

    @property
    def end(self) -> float:
        """The size approached by the last steps."""
        ...

    def step_size(self, step: int, n_iters: int) -> float:
        """Size of step `step`, 0 to `n_iters` - 1."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """For a run's record: numbers."""
        ...


@dataclass(frozen=True)
class Linear:
    """From `start` linearly towards `end`, which the step after the last would have.

    The published `start_lr` and `end_lr`: 8 and 1e-10 for CaffeNet.  Raises DgnamError unless start > 0 and end >= 0.
    """

    start: float
    end: float

    def __post_init__(self) -> None:
        check_number("start_lr", self.start, above=0)
        check_number("end_lr", self.end, least=0)

    def step_size(self, step: int, n_iters: int) -> float:
        return self.start + (self.end - self.start) * step / n_iters

    def as_dict(self) -> dict[str, Any]:
        return {"start_lr": self.start, "end_lr": self.end}


@dataclass(frozen=True)
class Phases:
    """Linear schedules in sequence, each with its number of steps; the last size holds for any further steps."""

    phases: tuple[tuple[int, Linear], ...]

    def __post_init__(self) -> None:
        if not self.phases or any(steps < 1 for steps, _ in self.phases):
            raise DgnamError(f"{self}: give one phase or more, each of at least one step")

    @classmethod
    def of(cls, rows: Sequence[tuple[int, float, float]]) -> Phases:
        """From (steps, start, end) of each phase."""
        return cls(tuple((steps, Linear(start, end)) for steps, start, end in rows))

    @property
    def start(self) -> float:
        return self.phases[0][1].start

    @property
    def end(self) -> float:
        return self.phases[-1][1].end

    @property
    def n_iters(self) -> int:
        """Steps of all phases."""
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
