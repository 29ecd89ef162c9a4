"""README's table of hardware and time, from what `dgnam bench` wrote on an idle machine.

dgnam bench --output bench.json && dgnam record bench.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dgnam.errors import DgnamError
from dgnam.files.paths import write_bytes
from dgnam.files.text import read_text

RECORDED = "bench-cpu.json"
STEPS, MANY = 200, 16
"""Of an image, by the published settings; images that share their passes."""

_MOST_BYTES = 1 << 20
_MODELS = {"caffenet-mini": "small (64 px)", "caffenet": "CaffeNet, 256 px generator"}
_COLUMNS = {
    "one image alone": ("float32", 1),
    f"each of {MANY}": ("float32", MANY),
    f"of {MANY}, `--precision bfloat16`": ("bfloat16", MANY),
}
_NEEDED = [column for column, (precision, _) in _COLUMNS.items() if precision == "float32"]


def read(path: Path) -> Mapping[str, Any]:
    """What `dgnam bench` wrote; DgnamError unless it ended and has the rows of the table."""
    try:
        found: Mapping[str, Any] = json.loads(read_text(path, _MOST_BYTES, "numbers of dgnam bench"))
        table(found)
        finished, device = found["finished"], found["device"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DgnamError(f"{path} is not what `dgnam bench --output` writes ({error!r})") from None
    if device != "cpu":
        raise DgnamError(f"{path}: was measured on {device}, and README's table is of a CPU")
    lacking = [f"{name} {column}" for name in _MODELS for column in _NEEDED if _seconds(found, name, column) is None]
    if finished is not True or lacking:
        why = f"it lacks {', '.join(lacking)}" if lacking else "it was stopped before its end"
        raise DgnamError(f"{path}: {why}; run `dgnam bench --output FILE` to its end on an idle machine")
    return found


def record(path: Path, root: Path) -> Path:
    """Record what `dgnam bench` wrote; returns the file in the checkout."""
    text = json.dumps(read(path), indent=1, sort_keys=True, ensure_ascii=False)
    target = root / "experiments" / "results" / RECORDED
    write_bytes(target, f"{text}\n".encode())
    return target


def recorded_table(root: Path) -> str | None:
    """The table of what is recorded in a checkout; None where nothing is."""
    path = root / "experiments" / "results" / RECORDED
    return table(read(path)) if path.is_file() else None


def table(found: Mapping[str, Any]) -> str:
    """Seconds of an image by models and company, below the machine that they were measured on."""
    columns = [column for column in _COLUMNS if any(_seconds(found, name, column) is not None for name in _MODELS)]
    rows = [
        f"| {title} | {' | '.join(_cell(found, name, one) for one in columns)} |" for name, title in _MODELS.items()
    ]
    head = [f"| models | {' | '.join(columns)} |", f"| --- |{' ---: |' * len(columns)}"]
    return "\n".join([f"{found['processor']}, {STEPS} steps:", "", *head, *rows]) + "\n"


def _cell(found: Mapping[str, Any], name: str, column: str) -> str:
    seconds = _seconds(found, name, column)
    return "" if seconds is None else f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.2g} s"


def _seconds(found: Mapping[str, Any], name: str, column: str) -> float | None:
    """Seconds of an image; None where they were not measured."""
    for row in found["rows"]:
        if (row["target"], (row["precision"], row["batch"])) == (name, _COLUMNS[column]):
            return STEPS * float(row["seconds"])
    return None
