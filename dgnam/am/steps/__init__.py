"""Steps: the update rule, from a gradient to a step, and the schedule of step sizes."""

from .adagrad_step import AdaGradStep
from .adam_step import AdamStep
from .gradient_step import FixedIncreaseStep, GradientStep
from .normalized_step import NormalizedStep
from .schedule import Linear, Phases, Schedule
from .update_rule import UpdateRule

__all__ = [
    "AdaGradStep",
    "AdamStep",
    "FixedIncreaseStep",
    "GradientStep",
    "Linear",
    "NormalizedStep",
    "Phases",
    "Schedule",
    "UpdateRule",
]
