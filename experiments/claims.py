"""The paper's claims and what decides each, as `claims.toml` fixed them before the experiments ran."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dgnam.errors import DgnamError, closest
from dgnam.measure.statistics import Decision, Estimate, decide
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
    """Where an interval must lie: "above" or "below" a number, or "within" plus and minus the number."""

    kind: str
    number: float

    @property
    def level(self) -> float:
        """The confidence of the interval."""
        return LEVELS[self.kind]

    def decide(self, estimate: Estimate) -> Decision:
        """What an interval of this level says."""
        return decide(estimate, **{self.kind: self.number})

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


@cache
def claims() -> Mapping[str, Claim]:
    """All claims, by name, in the paper's order."""
    given = tomllib.loads(CLAIMS.read_text(encoding="utf-8"))
    return {name: _claim(name, fields) for name, fields in given.items()}


def _claim(name: str, fields: Mapping[str, Any]) -> Claim:
    bounds = {part: Bound(*next(iter(bound.items()))) for part, bound in fields["bounds"].items()}
    words = {key: fields[key] for key in ("section", "claim", "statistic", "holds_if")}
    return Claim(name, **words, controls=tuple(fields.get("controls", ())), bounds=bounds)
