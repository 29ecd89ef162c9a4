"""How often judges recognize pictures, for the tables."""

from __future__ import annotations

import json
from collections.abc import Mapping

from dgnam.measure import Verdict
from dgnam.zoo.folders import data_folder


def rates(found: Mapping[str, Mapping[str, Verdict]]) -> dict[str, dict[str, float]]:
    """The share of a step's pictures that each judge ranks first, and among five."""
    return {
        step: {f"{short(judge)}_top{k}": verdict.top(k) for judge, verdict in verdicts.items() for k in (1, 5)}
        for step, verdicts in found.items()
    }


def short(judge: str) -> str:
    """A judge's name in a table."""
    return judge.removesuffix("-mini").replace("-", "_")


def accuracy(model: str, k: int = 1) -> float:
    """How often a classifier recognizes real pictures that it was not trained on, in percentage points, by its card."""
    card = json.loads((data_folder("models") / model / "card.json").read_text(encoding="utf-8"))
    return 100 * float(card["measured"][f"top{k}"])
