"""What an experiment found, from its `numbers.json`: each claim's parts with their bounds, controls and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Part:
    """An estimate: its name, value with interval, bound, number of observations and verdict, as text."""

    name: str
    estimate: str
    bound: str
    n: str
    verdict: str


@dataclass(frozen=True)
class Finding:
    """A claim by name, its verdict and note, the parts, what controls came to, and what is missing, with why."""

    claim: str
    verdict: str
    note: str
    parts: tuple[Part, ...]
    controls: tuple[tuple[str, str], ...]
    missing: tuple[tuple[str, str], ...]


def findings_in(numbers: Mapping[str, Any]) -> list[Finding]:
    """The findings; whatever isn't one is passed over."""
    return [_finding(claim, found) for claim, found in _items(numbers.get("findings")) if isinstance(found, Mapping)]


def _finding(claim: str, found: Mapping[str, Any]) -> Finding:
    parts = tuple(_part(name, part) for name, part in _items(found.get("parts")) if isinstance(part, Mapping))
    controls = [*_items(found.get("floor")), *_items(found.get("ceiling"))]
    missing = tuple((name, _text(why)) for name, why in _items(found.get("missing")))
    shown = tuple((name, _number(value)) for name, value in controls)
    return Finding(claim, _text(found.get("verdict")) or "no verdict", _text(found.get("note")), parts, shown, missing)


def _part(name: str, part: Mapping[str, Any]) -> Part:
    low, high = part.get("low"), part.get("high")
    interval = "" if low is None or high is None else f" [{_number(low)}, {_number(high)}]"
    n, verdict = _number(part.get("n")), _text(part.get("verdict"))
    return Part(name, f"{_number(part.get('value'))}{interval}", _text(part.get("bound")), n, verdict)


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(str(name), part) for name, part in value.items()] if isinstance(value, Mapping) else []


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else _text(value)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
