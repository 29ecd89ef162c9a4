"""The runs in a folder: what each is, how far it is, and its state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DgnamError
from ..files.paths import StrPath
from .lock import is_locked
from .record import RECORD, Record
from .run import LOG, Run

RUNNING, FINISHED, STOPPED, KILLED, DAMAGED = "running", "finished", "stopped", "killed", "damaged"
WAITING = "waiting"
"""Of a search for a neuron, between `ask` and `tell`: it has no end but its user's."""


@dataclass(frozen=True)
class Summary:
    """A run in a line.

    what: the target, model or experiment it is of.
    chunks: how many are done.
    state: running, finished, stopped (by Ctrl-C, SIGTERM, an error or a limit), killed, waiting, or damaged.
    started: when, UTC; "" where its log doesn't say.
    """

    name: str
    task: str
    what: str
    chunks: int
    state: str
    started: str

    def cells(self) -> tuple[str, ...]:
        """The line's cells, as text."""
        return self.name, self.task, self.what, str(self.chunks), self.state, self.started


def list_runs(folder: StrPath) -> list[Summary]:
    """The runs in a folder, by name; one whose record can't be read counts as damaged."""
    place = Path(folder)
    if not place.is_dir():
        raise DgnamError(f"there is no folder {place}")
    return [read_summary(path) for path in sorted(place.iterdir()) if _holds_run(path)]


def _holds_run(path: Path) -> bool:
    try:
        return (path / RECORD).is_file()
    except OSError:  # a folder that may not be looked into
        return False


def read_summary(folder: StrPath) -> Summary:
    """What the run in a folder is."""
    path = Path(folder)
    try:
        run = Run.open(path)
    except DgnamError:
        return Summary(path.name, "?", "?", 0, DAMAGED, "")
    events = list(_events(path / LOG))
    started = next((str(event.get("time", "")) for event in events if event.get("event") == "started"), "")
    return Summary(
        path.name, run.record.task, _what(run.record), len(run.names()), _state(path, run.record.task, events), started
    )


def _state(path: Path, task: str, events: list[dict[str, Any]]) -> str:
    if is_locked(path):
        return RUNNING
    if task == "search":
        return WAITING
    last = events[-1].get("event") if events else None
    return {"ended": FINISHED, "stopped": STOPPED}.get(str(last), KILLED)


def _what(record: Record) -> str:
    spec = record.spec
    parts = [spec.get(name) for name in ("target", "experiment", "model", "encoder", "name", "score", "prior")]
    what = next((part for part in parts if isinstance(part, str)), "an object in Python")
    objective = spec.get("objective")
    return f"{what} {objective}" if isinstance(objective, str) else what


def _events(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a run's log; what a kill left of one is passed over."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event
