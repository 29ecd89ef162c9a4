"""The settings of a run: those of the published code, and the paper's equation as printed.

Sources: the five example scripts of the published code (Evolving-AI-Lab/synthesizing, eb7f2e7); the paper's Sec. 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .argument_types import checked, checked_fields
from .checks import whole_number
from .jitter import Transform
from .regularizers import L2Decay, NormPenalty, Regularizer
from .steps import Linear, NormalizedStep, Schedule, UpdateRule

MOST_ITERS = 1_000_000
"""Upper limit of `n_iters`: each image keeps an activation for every step."""


@checked_fields
@dataclass(frozen=True)
class Settings:
    """How to optimize a code; its bounds are data, an argument of the loop (see regularizers/bounds.py).

    n_iters: number of steps, at least 1.
    schedule: size of each step.
    regularizer: keeps the code small, or the image natural.
    update_rule: from a gradient to a step of that size.
    transform: applied to the prior's images before the target sees them; None for no transform.

    The published loop supports the defaults of `update_rule` and `transform` only.
    """

    n_iters: int
    schedule: Schedule
    regularizer: Regularizer
    update_rule: UpdateRule = field(default_factory=NormalizedStep)
    transform: Transform | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_iters", whole_number("n_iters", self.n_iters, 1, MOST_ITERS))

    def step_size(self, step: int) -> float:
        """Size of step `step`, 0 to `n_iters` - 1."""
        return self.schedule.step_size(step, self.n_iters)

    def as_dict(self) -> dict[str, object]:
        """For a run's record: numbers and reprs; update_rule and transform only if they differ from the published."""
        record: dict[str, object] = {"n_iters": self.n_iters, **self.schedule.as_dict()}
        record["regularizer"] = repr(self.regularizer)
        if self.update_rule != NormalizedStep():
            record["update_rule"] = repr(self.update_rule)
        if self.transform is not None:
            record["transform"] = repr(self.transform)
        return record


@checked
def released(n_iters: int = 200, start_lr: float = 8.0, end_lr: float = 1e-10, l2: float = 0.99) -> Settings:
    """The published code's settings for CaffeNet and the Places network.

    n_iters: number of steps, at least 1.
    start_lr, end_lr: size of the first step, above 0, and the size that steps fall to, at least 0.
    l2: factor of the code after each step, in (0, 1].
    """
    return Settings(n_iters, Linear(start_lr, end_lr), L2Decay(l2))


def released_googlenet() -> Settings:
    """The published code's settings for GoogLeNet: smaller steps."""
    return released(start_lr=2.0)


def released_from_image() -> Settings:
    """The published code's settings for the code of a real image: few and small steps."""
    return released(n_iters=30, start_lr=1.0)


@checked
def paper(n_iters: int = 200, start_lr: float = 8.0, end_lr: float = 1e-10, norm_penalty: float = 0.005) -> Settings:
    """Eq. 1 as printed: activation minus `norm_penalty` (at least 0) times the code's norm; the rest as released."""
    return Settings(n_iters, Linear(start_lr, end_lr), NormPenalty(norm_penalty))


def without_prior(n_iters: int = 200, start_lr: float = 8.0, end_lr: float = 1e-10) -> Settings:
    """The released steps without L2: for the control in pixels."""
    return Settings(n_iters, Linear(start_lr, end_lr), L2Decay(1.0))
