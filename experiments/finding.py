"""What an experiment found about a claim: an estimate for each part, between its controls, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from dgnam.errors import ArrayError
from dgnam.measure.statistics import Estimate, undecidable
from dgnam.measure.statistics.estimate import or_none

from .claims import Claim


class Part(Protocol):
    """A statistic that is estimated at the confidence asked for, as `partial(mean_difference, ours, theirs)`."""

    def __call__(self, *, level: float) -> Estimate: ...


def percent(share: Part) -> Part:
    """A share between 0 and 1 in percentage points."""

    def part(*, level: float) -> Estimate:
        return share(level=level).times(100)

    return part


@dataclass(frozen=True)
class Controls:
    """What controls come to, by their names.

    floor: those without what the claim is about; ceiling: those with all of it.
    """

    floor: Mapping[str, float] = field(default_factory=dict)
    ceiling: Mapping[str, float] = field(default_factory=dict)


NO_CONTROLS = Controls()


@dataclass(frozen=True)
class Finding:
    """What was found about a claim.

    parts: by name, those that could be estimated; missing: of the others, why not.
    note: what a reader must know beside it.
    verdict: "holds", "fails" or "undecided"; None where none is drawn.
    """

    claim: Claim
    parts: Mapping[str, Estimate]
    missing: Mapping[str, str]
    controls: Controls = NO_CONTROLS
    note: str = ""
    verdict: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        parts = {name: {**estimate.as_dict(), **self._about(name)} for name, estimate in self.parts.items()}
        rest = {**asdict(self.controls), "note": self.note, "verdict": self.verdict}
        return {"parts": parts, "missing": dict(self.missing), **rest}

    def lines(self) -> list[str]:
        """For people: a line for each part, and the verdict."""
        name = self.claim.name
        lines = [f"{name}, {part}: {self._compared(part)}" for part in self.parts]
        lines += [f"{name}, {part}: not estimated ({why})" for part, why in self.missing.items()]
        controls = {**self.controls.floor, **self.controls.ceiling}
        lines += [f"{name}, control, {what}: {value:.3g}" for what, value in controls.items()]
        if self.verdict is None:
            return lines
        lines += [
            f"{name}, {what}: this positive control is not detected, so nothing is decided" for what in self.missed
        ]
        return [*lines, f"{name}: {self.verdict}. {self.claim.claim}"]

    @property
    def missed(self) -> list[str]:
        """The parts that are positive controls and are not detected."""
        controls = [part for part in (*self.parts, *self.missing) if self.claim.bound(part).control]
        return [part for part in controls if part in self.missing or self._verdict_of(part) != "holds"]

    def _compared(self, part: str) -> str:
        """An estimate with its bound, and why it decides nothing if it can't."""
        estimate, why = self.parts[part], "" if self.verdict is None else undecidable(self.parts[part])
        return f"{estimate}, {self.claim.bound(part)}" + (f": undecided, {why}" if why else "")

    def _about(self, part: str) -> dict[str, Any]:
        """A part's bound, verdict, p-value against the bound, and effect size if the estimate isn't one itself."""
        bound, estimate = self.claim.bound(part), self.parts[part]
        p_value = None if self.verdict is None else bound.p_value(estimate)
        found = {"bound": str(bound), "verdict": self._verdict_of(part), "p": p_value}
        effect = estimate.effect
        return found if effect is None else {**found, "effect": {"kind": effect.kind, "value": or_none(effect.value)}}

    def _verdict_of(self, part: str) -> str | None:
        return None if self.verdict is None else self.claim.bound(part).decide(self.parts[part]).outcome


def find(
    claim: Claim,
    parts: Mapping[str, Part],
    *,
    controls: Controls = NO_CONTROLS,
    note: str = "",
    verdict: bool = True,
) -> Finding:
    """Estimate the parts of a claim, and compare them with its bounds.

    verdict: draw one, by `Claim.decide`.
    """
    found: dict[str, Estimate] = {}
    missing = {name: "not measured in this run" for name in claim.bounds if name not in parts}
    for name, part in parts.items():
        level = claim.bound(name).level
        try:
            found[name] = part(level=level)
        except ArrayError as error:
            missing[name] = str(error)
    said = claim.decide(found, missing).outcome if verdict else None
    return Finding(claim, found, missing, controls, note, said)
