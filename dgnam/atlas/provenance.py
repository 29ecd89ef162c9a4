"""What a run's record says on its page: model, layers, settings, versions, checksums."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..runs import Record

_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_LAYER = re.compile(r"(?:^|[\s+*(,-])([A-Za-z_][\w./-]*):")
_VECTOR = re.compile(r" sha256:[0-9a-f]{64}")
_WEIGHT = re.compile(r"(?:^|[+-])[0-9.]+(?:e[+-]?[0-9]+)?\*")
_UNIT = re.compile(r"(.+):(?:[0-9]+(?:@[0-9a-z,]+)?|diversity)")
"""Of an objective as a record has it: its vectors, what its terms begin with, and terms other than directions."""

_LONGEST = 600
_MOST_LAYERS = 6
_MOST_LINES = 200
_DEEPEST = 12


def model_of(record: Record) -> str:
    """The name of the target or model that a run is of; "" where its record has none."""
    target = record.inputs.get("target")
    named = target.get("name") if isinstance(target, dict) else None
    parts = (named, *(record.spec.get(name) for name in ("target", "model", "encoder")))
    return next((part for part in parts if isinstance(part, str)), "")


def layers_of(record: Record) -> str:
    """The layers that a run is of, as its units name them."""
    found: dict[str, None] = {}
    for name in ("objectives", "tuning"):
        value = record.inputs.get(name)
        for text in value if isinstance(value, list) else []:
            if isinstance(text, str):
                found.update(dict.fromkeys(_layers_in(text[:_LONGEST])))
    for value in () if found else (record.spec.get("objective"), record.spec.get("units")):
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                found.update(dict.fromkeys(_LAYER.findall(text[:_LONGEST])))
    for value in (record.inputs.get("layer"), record.inputs.get("spaces"), record.spec.get("layer")):
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                found[text] = None
    names = list(found)
    return ", ".join(names[:_MOST_LAYERS]) + (", …" if len(names) > _MOST_LAYERS else "")


def _layers_in(objective: str) -> Iterator[str]:
    """The layers of an objective as a record has it, whatever they are called."""
    text = _VECTOR.sub("", objective)
    for term in _WEIGHT.split(text)[1:] if _WEIGHT.match(text) else [text]:
        unit = _UNIT.fullmatch(term)
        layer = term.partition(":")[0] if unit is None else unit[1]
        if layer:
            yield layer


def settings_of(record: Record) -> list[tuple[str, str]]:
    """The arguments that were given, and their values as text."""
    return [(name, as_text(value)) for name, value in sorted(record.spec.items()) if value is not None]


def inputs_of(record: Record) -> list[tuple[str, str]]:
    """What else decides the bytes, apart from checksums."""
    found = [(name, as_text(_without_checksums(value))) for name, value in sorted(record.inputs.items())]
    return [(name, text) for name, text in found if text not in ("null", "{}", "[]", '""', "")]


def versions_of(record: Record) -> list[tuple[str, str]]:
    """The versions, threads and whatever else the record says of where the run was made."""
    versions = record.environment.get("versions")
    listed = sorted(versions.items(), key=lambda item: item[0].lower()) if isinstance(versions, dict) else []
    others = [(name, value) for name, value in sorted(record.environment.items()) if name != "versions"]
    return [(str(name), as_text(value)) for name, value in (*listed, *others)]


def checksums_of(record: Record) -> list[tuple[str, str]]:
    """The files and arrays that went into a run, with their SHA-256."""
    found: dict[tuple[str, str], None] = {}
    for path, value in leaves(record.inputs):
        sha256 = _SHA256.fullmatch(value) if isinstance(value, str) else None
        if sha256 is not None:
            found[" › ".join(part for part in path if part != "files"), sha256[1]] = None
    return list(found)


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What is not an object in a JSON value, and the names that lead there; lists of plain values are one."""
    if len(path) >= _DEEPEST:
        yield path, as_text(value)
    elif isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from leaves(part, (*path, str(name)))
    elif isinstance(value, list) and any(isinstance(part, Mapping | list) for part in value):
        for number, part in enumerate(value):
            yield from leaves(part, (*path, str(number)))
    else:
        yield path, value


def lines_of(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The values in a JSON object, each under the names that lead there; of many the first."""
    found: list[tuple[str, str]] = []
    for path, leaf in leaves(value):
        if len(found) == _MOST_LINES:
            return [*found, ("…", "the file has more")]
        found.append((" › ".join(path), f"{leaf:.6g}" if isinstance(leaf, float) else as_text(leaf)))
    return found


def as_text(value: Any, longest: int = _LONGEST) -> str:
    """A value of JSON as text; what is long is cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _without_checksums(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _without_checksums(part) for name, part in value.items()}
        return {name: part for name, part in kept.items() if part not in (None, {}, [])}
    return None if isinstance(value, str) and _SHA256.fullmatch(value) else value
