"""How often judges recognize pictures, for the tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dgnam.measure import Verdict
from dgnam.zoo.folders import data_folder

NO_JUDGE = "No judge of the published networks' classes is public."
"""Said where an experiment has none."""


def rates(found: Mapping[str, Mapping[str, Verdict]]) -> dict[str, dict[str, float]]:
    """The share of a step's pictures that each judge ranks first, and among five."""
    return {
        step: {f"{short(judge)}_top{k}": verdict.top(k) for judge, verdict in verdicts.items() for k in (1, 5)}
        for step, verdicts in found.items()
    }


def merged(*tables: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Tables of values by step as one: each step's columns side by side."""
    steps = dict.fromkeys(step for table in tables for step in table)
    return {step: {key: value for table in tables for key, value in table.get(step, {}).items()} for step in steps}


def short(judge: str) -> str:
    """A judge's name in a table, without the size of what it sees."""
    return judge.removesuffix("-mini").removesuffix("-128").replace("-", "_")


def accuracy(model: str, k: int = 1) -> float:
    """How often a classifier recognizes real pictures that it was not trained on, in percentage points, by its card."""
    return 100 * float(measured(model)[f"top{k}"])


def of_photographs(judges: Iterable[str], prior: str, k: int = 1) -> dict[str, float]:
    """How often judges rank the class of a photograph among the first k, and that of its reconstruction by a prior.

    In percentage points, by the cards of the judges and of the prior; without what isn't there, as for an own prior.
    """
    ends = {"real pictures": "_of_pictures", "reconstructions": ""}
    values = measured(prior)
    found = {f"real pictures, {judge}": accuracy(judge, k) for judge in judges if measured(judge)}
    for judge in judges:
        for what, end in ends.items():
            value = values.get(f"{short(judge)}_top{k}{end}")
            if value is not None:
                found.setdefault(f"{what}, {judge}", 100 * float(value))
    return found


def measured(model: str) -> Mapping[str, Any]:
    """What the card of a small model measures; nothing of a model without a card."""
    path = data_folder("models") / model / "card.json"
    if not path.is_file():
        return {}
    numbers: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["measured"]
    return numbers
