"""What an experiment found about a claim: an estimate for each part, between its controls, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from dgnam.errors import ArrayError
from dgnam.measure.statistics import Estimate, all_hold

from .claims import Claim


class Part(Protocol):
    """A statistic that is estimated at the confidence asked for, as `partial(mean_difference, ours, theirs)`."""

    def __call__(self, *, level: float) -> Estimate: ...


def percent(share: Part) -> Part:
    """A share between 0 and 1 in percentage points."""

    def part(*, level: float) -> Estimate:
        found = share(level=level)
        return replace(found, value=100 * found.value, low=100 * found.low, high=100 * found.high)

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
        parts = {
            name: {**estimate.as_dict(), "bound": str(self.claim.bound(name)), "verdict": self._verdict_of(name)}
            for name, estimate in self.parts.items()
        }
        rest = {**asdict(self.controls), "note": self.note, "verdict": self.verdict}
        return {"parts": parts, "missing": dict(self.missing), **rest}

    def lines(self) -> list[str]:
        """For people: a line for each part, and the verdict."""
        name = self.claim.name
        lines = [f"{name}, {part}: {estimate}, {self.claim.bound(part)}" for part, estimate in self.parts.items()]
        lines += [f"{name}, {part}: not estimated ({why})" for part, why in self.missing.items()]
        controls = {**self.controls.floor, **self.controls.ceiling}
        lines += [f"{name}, control, {what}: {value:.3g}" for what, value in controls.items()]
        return lines if self.verdict is None else [*lines, f"{name}: {self.verdict}. {self.claim.claim}"]

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

    A claim holds in no case while one of its bounds has no estimate; it is undecided unless another part fails.
    verdict: draw one.
    """
    found: dict[str, Estimate] = {}
    missing = {name: "not measured in this run" for name in claim.bounds if name not in parts}
    for name, part in parts.items():
        level = claim.bound(name).level
        try:
            found[name] = part(level=level)
        except ArrayError as error:
            missing[name] = str(error)
    said = _verdict(claim, found, complete=not missing) if verdict else None
    return Finding(claim, found, missing, controls, note, said)


def _verdict(claim: Claim, found: Mapping[str, Estimate], complete: bool) -> str:
    if not found:
        return "undecided"
    said = all_hold(claim.bound(name).decide(estimate) for name, estimate in found.items()).outcome
    return "undecided" if said == "holds" and not complete else said
