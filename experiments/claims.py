"""The paper's claims and what decides each, as `claims.toml` fixed them before the experiments ran."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dgnam.errors import DgnamError, closest
from dgnam.measure.statistics import Decision, Estimate, all_hold, decide, undecidable, with_controls
from dgnam.measure.statistics.decision import CLAIM_LEVEL, EQUIVALENCE_LEVEL

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CLAIMS = Path(__file__).parent / "claims.toml"

AT_EQUAL_ACTIVATION = ", at equal activation"
"""How the name of a part ends that compares pictures so; without it, at equal steps."""

LEVELS = {"above": CLAIM_LEVEL, "below": CLAIM_LEVEL, "within": EQUIVALENCE_LEVEL}
"""The confidence of the interval that a bound of each kind is compared with."""


@dataclass(frozen=True)
class Bound:
    """Where an interval must lie: "above" or "below" a number, or "within" plus and minus the number.

    control: it is of a positive control, which must be detected before anything is decided.
    """

    kind: str
    number: float
    control: bool = False

    @property
    def level(self) -> float:
        """The confidence of the interval."""
        return LEVELS[self.kind]

    def decide(self, estimate: Estimate) -> Decision:
        """What an interval of this level says."""
        return decide(estimate, **{self.kind: self.number})

    def p_value(self, estimate: Estimate) -> float | None:
        """Of the statistic being at the bound, two-sided; small where the interval lies wholly on either side.

        "within": of two one-sided tests, the larger p-value where the statistic is inside, and that of being at the
        nearer margin where it is outside; each at 5 %, as the interval is of 90 %.
        None where the interval decides nothing, or is all that is known.
        """
        test, number = estimate.test, self.number
        if test is None or undecidable(estimate):
            return None
        if self.kind != "within":
            return test(number, "two-sided")
        inside = max(test(-number, "greater"), test(number, "less"))
        return min(inside, test(number, "greater"), test(-number, "less"))

    def __str__(self) -> str:
        words = {"above": "> {:g}", "below": "< {:g}", "within": "within ±{:g}"}
        return words[self.kind].format(self.number)


@dataclass(frozen=True)
class Claim:
    """A claim of the paper.

    section: where it stands there.
    statistic, holds_if: what decides it, in words.
    controls: what stands beside the statistic.
    bounds: those of each part; the claim holds if every part does.
    """

    name: str
    section: str
    claim: str
    statistic: str
    holds_if: str
    controls: tuple[str, ...]
    bounds: Mapping[str, Bound]

    def bound(self, part: str) -> Bound:
        """That of a part, also of one at equal activation; an unknown one is an error."""
        name = part.removesuffix(AT_EQUAL_ACTIVATION)
        if name not in self.bounds:
            raise DgnamError(f"claim {self.name} has no part '{part}'; the closest: {closest(part, self.bounds)}")
        return self.bounds[name]

    def decide(self, found: Mapping[str, Estimate], missing: Iterable[str] = ()) -> Decision:
        """What the parts say together, those found and those missing.

        It holds if all parts do, and fails if one does.  It is undecided while one is missing, unless another fails;
        and where a positive control is not detected, as then the method can't decide either way.
        """
        decided = {name: self._decide(name, estimate) for name, estimate in found.items()}
        decided |= {name: Decision("undecided", f"{name}: not estimated") for name in missing}
        controls = [decided.pop(name) for name in list(decided) if self.bound(name).control]
        said = all_hold(decided.values()) if decided else Decision("undecided", "nothing is estimated")
        return with_controls(said, controls)

    def _decide(self, part: str, estimate: Estimate) -> Decision:
        said = self.bound(part).decide(estimate)
        return Decision(said.outcome, f"{part}: {said.reason}")


@cache
def claims() -> Mapping[str, Claim]:
    """All claims, by name, in the paper's order."""
    given = tomllib.loads(CLAIMS.read_text(encoding="utf-8"))
    return {name: _claim(name, fields) for name, fields in given.items()}


def _claim(name: str, fields: Mapping[str, Any]) -> Claim:
    bounds = {part: _bound(bound) for part, bound in fields["bounds"].items()}
    words = {key: fields[key] for key in ("section", "claim", "statistic", "holds_if")}
    return Claim(name, **words, controls=tuple(fields.get("controls", ())), bounds=bounds)


def _bound(fields: Mapping[str, Any]) -> Bound:
    kind = next(kind for kind in LEVELS if kind in fields)
    return Bound(kind, fields[kind], fields.get("control", False))
