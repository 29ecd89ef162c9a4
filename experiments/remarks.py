"""What is said of each claim beside its numbers, in `remarks.toml`: deviations from the paper, and reasons."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REMARKS = Path(__file__).parent / "remarks.toml"


@dataclass(frozen=True)
class Remarks:
    """Sentences about a claim.

    deviation: how the experiment differs from the paper's.
    no_controls: why it has neither floor nor ceiling; empty where it has one.
    why: the reason for the verdict of the recorded full run, by the verdict that it is a reason for.
    """

    deviation: str
    no_controls: str = ""
    why: Mapping[str, str] = field(default_factory=dict)


@cache
def remarks() -> Mapping[str, Remarks]:
    """Those of all claims, by name."""
    found = {}
    for name, fields in tomllib.loads(REMARKS.read_text(encoding="utf-8")).items():
        why = {verdict: fields[verdict] for verdict in ("fails", "undecided") if verdict in fields}
        found[name] = Remarks(fields["deviation"], fields.get("no_controls", ""), why)
    return found
