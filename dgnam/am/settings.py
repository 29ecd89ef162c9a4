"""The settings of a run: those of the published code, and the paper's equation taken at its word.

Sources: the published code, Evolving-AI-Lab/synthesizing at eb7f2e7 (its five example scripts), and the paper's Sec. 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import DgnamError
from .jitter import Transform
from .regularizers.regularizer import NormPenalty, Regularisation, Shrink
from .steps.schedule import Linear, Schedule
from .steps.update_rule import Ascent, PerMean

MOST_ITERS = 1_000_000
"""The most steps: the value after each is kept for every image."""


@dataclass(frozen=True)
class Settings:
    """How a code is optimized; the bounds that it is clipped to are data, and given to the loop (see `clip.py`).

    n_iters: the number of steps.
    schedule: the size of each.
    regularisation: what keeps the code small.
    ascent: how a gradient becomes a step of that size.
    transform: what the prior's images go through before the target sees them; None: nothing.

    The published loop has the last two as they are here, and `reference.py` takes no others.
    """

    n_iters: int
    schedule: Schedule
    regularisation: Regularisation
    ascent: Ascent = field(default_factory=PerMean)
    transform: Transform | None = None

    def __post_init__(self) -> None:
        if self.n_iters < 1:
            raise DgnamError(f"n_iters {self.n_iters} must be at least 1")
        if self.n_iters > MOST_ITERS:
            raise DgnamError(f"n_iters {self.n_iters} must be at most {MOST_ITERS}")

    def step_size(self, step: int) -> float:
        """The size of step `step`, of 0 to `n_iters` - 1."""
        return self.schedule.step_size(step, self.n_iters)

    def as_dict(self) -> dict[str, object]:
        """For a run's record: numbers and the names of rules; ascent and transform where they aren't the published."""
        record: dict[str, object] = {"n_iters": self.n_iters, **self.schedule.as_dict()}
        record["regularisation"] = repr(self.regularisation)
        if self.ascent != PerMean():
            record["ascent"] = repr(self.ascent)
        if self.transform is not None:
            record["transform"] = repr(self.transform)
        return record


def released(n_iters: int = 200, start_lr: float = 8.0, end_lr: float = 1e-10, shrink: float = 0.99) -> Settings:
    """What the published code runs for CaffeNet and the Places network."""
    return Settings(n_iters, Linear(start_lr, end_lr), Shrink(shrink))


def released_googlenet() -> Settings:
    """What the published code runs for GoogLeNet: smaller steps."""
    return released(start_lr=2.0)


def released_from_image() -> Settings:
    """What the published code runs from the code of a real image: few small steps."""
    return released(n_iters=30, start_lr=1.0)


def paper(n_iters: int = 200, start_lr: float = 8.0, end_lr: float = 1e-10, norm_penalty: float = 0.005) -> Settings:
    """Eq. 1 as printed: activation minus 0.005 times the norm of the code; the rest as released."""
    return Settings(n_iters, Linear(start_lr, end_lr), NormPenalty(norm_penalty))


def without_prior(n_iters: int = 200, start_lr: float = 8.0, end_lr: float = 1e-10) -> Settings:
    """As many steps of the same sizes with nothing that keeps the code small: for the control in pixels."""
    return Settings(n_iters, Linear(start_lr, end_lr), Shrink(1.0))
