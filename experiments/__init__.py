"""The paper's experiments, a module each."""

from dgnam.errors import DgnamError, closest

from . import fig1_output_units
from .outcome import Experiment, Outcome, Request

EXPERIMENTS: dict[str, Experiment] = {"fig1": fig1_output_units.run}
"""By the name that `dgnam reproduce` takes."""


def get(name: str) -> Experiment:
    """The experiment of this name; an unknown name is an error that lists the closest."""
    if name not in EXPERIMENTS:
        raise DgnamError(f"there is no experiment '{name}'; the known ones: {closest(name, EXPERIMENTS)}")
    return EXPERIMENTS[name]


__all__ = ["EXPERIMENTS", "Experiment", "Outcome", "Request", "get"]
