"""What an interval says about a claim: holds, fails, or undecided.

A claim holds if its interval lies wholly beyond the threshold, fails if it lies wholly on the other side, and is
undecided else.  "No difference" and "no correlation" are claims of equivalence: the 90 % interval inside a margin,
which is two one-sided tests at 5 % (D. Schuirmann, 1987), and never a large p-value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ...errors import ArrayError
from .estimate import Estimate

CLAIM_LEVEL, EQUIVALENCE_LEVEL = 0.95, 0.90
FEWEST_UNITS = 6
"""The range of n resampled values covers their center with probability 1 - 2^(1 - n): 94 % for 5, 97 % for 6."""

_ROUNDING = 1e-9
"""Ends of an interval that differ by no more than this part of them differ by rounding errors."""

Outcome = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class Decision:
    """Whether a claim holds, and why."""

    outcome: Outcome
    reason: str

    @property
    def holds(self) -> bool:
        return self.outcome == "holds"


def decide(
    estimate: Estimate, *, above: float | None = None, below: float | None = None, within: float | None = None
) -> Decision:
    """Compare an interval with one threshold.

    above: the claim is "> above"; below: it is "< below"; both need a 95 % interval.
    within: the claim is "no more than `within` from 0", and needs a 90 % interval.

    An interval that is `undecidable` decides nothing.
    """
    given = [name for name, value in (("above", above), ("below", below), ("within", within)) if value is not None]
    if len(given) != 1:
        raise ArrayError(f"thresholds {', '.join(given) if given else '(none)'}: give one of above, below, within")
    if not all(math.isfinite(value) for value in (above, below, within) if value is not None):
        raise ArrayError(f"{given[0]}: a threshold is a finite number")
    level = EQUIVALENCE_LEVEL if within is not None else CLAIM_LEVEL
    if abs(estimate.level - level) > 1e-9:
        raise ArrayError(f"an interval of {estimate.level:.0%}; '{given[0]}' is decided by one of {level:.0%}")
    if within is not None and not within > 0:
        raise ArrayError(f"within {within}: give a margin above 0")
    if why := undecidable(estimate):
        return Decision("undecided", f"{estimate}: {why}")
    if above is not None:
        return Decision(_outcome(estimate.low > above, estimate.high <= above), f"{estimate}, claimed > {above:g}")
    if below is not None:
        return Decision(_outcome(estimate.high < below, estimate.low >= below), f"{estimate}, claimed < {below:g}")
    assert within is not None
    inside = -within < estimate.low and estimate.high < within
    outside = estimate.low >= within or estimate.high <= -within
    return Decision(_outcome(inside, outside), f"{estimate}, claimed inside ±{within:g}")


def undecidable(estimate: Estimate) -> str:
    """Why an interval decides nothing, however far from a threshold it lies; empty where it can decide.

    Resamples of units that are all alike are all alike too, so that their interval has no width: it says nothing of
    units that were not sampled.  (Wilson's interval of a share has a width at 0 and 1 as well.)
    """
    if estimate.n < FEWEST_UNITS:
        return f"fewer than {FEWEST_UNITS} units"
    if math.isclose(estimate.low, estimate.high, rel_tol=_ROUNDING):
        return "resamples of the units do not differ, which gives no interval"
    return ""


def all_hold(decisions: Iterable[Decision]) -> Decision:
    """A claim of several parts: holds if all do, fails if one does, undecided else."""
    parts = list(decisions)
    if not parts:
        raise ArrayError("no parts: a claim has one or more")
    outcomes = [part.outcome for part in parts]
    whole = _outcome(all(part.holds for part in parts), "fails" in outcomes)
    return Decision(whole, "; ".join(f"{part.outcome}: {part.reason}" for part in parts))


def with_controls(decision: Decision, controls: Iterable[Decision]) -> Decision:
    """The decision, or undecided where a positive control is not detected: then its method can't decide either way."""
    missed = [control.reason for control in controls if not control.holds]
    if not missed:
        return decision
    return Decision(
        "undecided", f"control not detected ({'; '.join(missed)}); without it: {decision.outcome}, {decision.reason}"
    )


def _outcome(holds: bool, fails: bool) -> Outcome:
    return "holds" if holds else "fails" if fails else "undecided"
