"""What an experiment found about a claim: an estimate for each part, between its controls, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from dgnam.errors import ArrayError
from dgnam.measure.statistics import Effect, Estimate, holm, undecidable
from dgnam.measure.statistics.estimate import or_none

from .claims import AT_EQUAL_ACTIVATION, Claim


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
    p_values: of the parts against their bounds; None of one that decides nothing.
    note: what a reader must know beside it.
    verdict: "holds", "fails" or "undecided"; None where none is drawn.
    """

    claim: Claim
    parts: Mapping[str, Estimate]
    missing: Mapping[str, str]
    controls: Controls = NO_CONTROLS
    note: str = ""
    verdict: str | None = None
    p_values: Mapping[str, float | None] = field(default_factory=dict)

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
        return [part for part in controls if part in self.missing or self.verdict_of(part) != "holds"]

    @property
    def p_value(self) -> float | None:
        """How easily chance gives the claim's verdict; None where no part has a p-value.

        All parts must hold, so that the largest p-value counts, and 1 of a part without one.  One that fails is enough:
        so where the claim fails, it is the least of the parts that fail, after Holm's correction for all of them, but
        not less than that of a positive control.
        """
        if all(p is None for p in self.p_values.values()):
            return None
        known = {
            part: p if (p := self.p_values.get(part)) is not None else 1.0 for part in (*self.parts, *self.missing)
        }
        if self.verdict != "fails":
            return max(known.values())
        controls = [known.pop(part) for part in list(known) if self.claim.bound(part).control]
        corrected = dict(zip(known, holm(list(known.values())), strict=True))
        least = min(float(corrected[part]) for part in known if part in self.parts and self.verdict_of(part) == "fails")
        return max([least, *controls])

    def _compared(self, part: str) -> str:
        """An estimate with its bound, and why it decides nothing if it can't."""
        estimate, why = self.parts[part], "" if self.verdict is None else undecidable(self.parts[part])
        return f"{estimate}, {self.claim.bound(part)}" + (f": undecided, {why}" if why else "")

    def _about(self, part: str) -> dict[str, Any]:
        """A part's bound, verdict, p-value against the bound, and effect size if the estimate isn't one itself."""
        found = {"bound": str(self.claim.bound(part)), "verdict": self.verdict_of(part), "p": self.p_values.get(part)}
        effect = self.parts[part].effect
        return found if effect is None else {**found, "effect": {"kind": effect.kind, "value": or_none(effect.value)}}

    def verdict_of(self, part: str) -> str | None:
        """What a part alone says; None where no verdict is drawn."""
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
    if not verdict:
        return Finding(claim, found, missing, controls, note)
    p_values = {name: claim.bound(name).p_value(estimate) for name, estimate in found.items()}
    return Finding(claim, found, missing, controls, note, claim.decide(found, missing).outcome, p_values)


def recorded(claim: Claim, kept: Mapping[str, Any]) -> Finding:
    """The finding that `Finding.as_dict` gave, decided anew; those of earlier versions have no p-values.

    The parts are in the order of the claim's bounds.
    """
    order = {name: place for place, name in enumerate(claim.bounds)}
    names = sorted(kept["parts"], key=lambda part: order[part.removesuffix(AT_EQUAL_ACTIVATION)])
    parts = {name: _estimate(kept["parts"][name]) for name in names}
    p_values = {name: kept["parts"][name]["p"] for name in names if "p" in kept["parts"][name]}
    verdict = None if kept["verdict"] is None else claim.decide(parts, kept["missing"]).outcome
    controls = Controls(kept.get("floor", {}), kept.get("ceiling", {}))
    return Finding(claim, parts, kept["missing"], controls, kept.get("note", ""), verdict, p_values)


def _estimate(kept: Mapping[str, Any]) -> Estimate:
    low, high = (-math.inf if kept["low"] is None else kept["low"], math.inf if kept["high"] is None else kept["high"])
    given = kept.get("effect")
    effect = None if given is None else Effect(given["kind"], math.inf if given["value"] is None else given["value"])
    return Estimate(kept["value"], low, high, kept["n"], kept["level"], effect)
