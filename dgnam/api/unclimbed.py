"""What a run's pictures alone don't tell: that an objective was not climbed."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np

from ..am import Result, Stop
from ..errors import NotClimbedWarning
from .plan import Plan

LISTED = 12
"""So many images are named in a line."""

NO_GRADIENT = "no gradient at the first step, so these pictures show the initial code, not a preferred image"
LOST_GRADIENT = "the gradient became zero before the last step, and the ascent stopped"
NOT_FINITE = "the objective is not finite, so these pictures show no preferred image"
FLAT = (
    "the objective changed by no more than rounding, so these pictures show no preferred image (a mean that a norm "
    "keeps constant, or steps that are too small)"
)


class Unclimbed:
    """The images of a run whose objective was not climbed, each with the reason."""

    def __init__(self, plan: Plan):
        self.plan = plan
        self._found: dict[str, list[str]] = {}
        self._counts: Counter[str] = Counter()

    def add(self, result: Result) -> None:
        """Take in a batch."""
        for row, job in enumerate(result.indices):
            stop, steps = Stop(int(result.stopped[row])), int(result.steps[row])
            reason = _reason(stop, steps, float(result.activations[row, steps - 1]))
            if reason is not None:
                self._counts[reason] += 1
                asked, named = self.plan.jobs[job], self._found.setdefault(reason, [])
                if len(named) < LISTED:
                    named.append(f"{asked.objective} seed {asked.seed} (step {steps})")

    def lines(self) -> list[str]:
        """A line for each reason, with the images that it holds for."""
        counted = ((reason, names, self._counts[reason]) for reason, names in self._found.items())
        return [
            f"{reason}: {', '.join(names)}{', …' if count > len(names) else ''}"
            + (f" ({count} of {len(self.plan.jobs)} images)" if count > 1 else "")
            for reason, names, count in counted
        ]

    def warn(self, stacklevel: int) -> None:
        """Say so to the caller; a stack level of 2 is who called the function that calls this."""
        for line in self.lines():
            warnings.warn(line, NotClimbedWarning, stacklevel=stacklevel + 1)


def _reason(stop: Stop, steps: int, activation: float) -> str | None:
    if stop == Stop.NOT_FINITE or not np.isfinite(activation):
        return NOT_FINITE
    if stop == Stop.ZERO_GRADIENT:
        return NO_GRADIENT if steps == 1 else LOST_GRADIENT
    return FLAT if stop == Stop.FLAT else None
