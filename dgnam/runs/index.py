"""The runs in a folder: what each is, how far it is, and its state."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import DgnamError
from ..files.paths import StrPath
from . import events
from .executor.parcels import waiting_count
from .folder import folder_name
from .lock import is_locked
from .record import RECORD, Record
from .run import CHUNKS, JOURNAL, LOG, Run

RUNNING, FINISHED, STOPPED, KILLED, DAMAGED = "running", "finished", "stopped", "killed", "damaged"
FAILED = "failed"
"""Of a run that was stopped since some of its chunks could not be made; the others were."""

WAITING = "waiting"
"""Of a search for a neuron, between `ask` and `tell`: it has no end but its user's."""

_STATES = ("act_range", "neighbors", "top_images", "train")
"""Tasks whose chunks are states, each with all that was done before it; other tasks' chunks are results that add up."""


@dataclass(frozen=True)
class Summary:
    """A run in a line.

    what: the target, model or experiment it is of.
    done, total, unit: how far it is, as 300 of 1000 images; no total where its log doesn't say.
    state: running, finished, stopped (by Ctrl-C, SIGTERM, an error or a limit), killed, waiting, or damaged.
    started: when, UTC; "" where its log doesn't say.
    seconds: how long its processes have worked; of one that was killed, until its last chunk.
    directory: the working directory of the last one, which relative paths are of; "" where its log doesn't say.
    executor: who makes its chunks, as "ray"; "" where its own process does.
    failed: the chunks that the last one gave up, with the reasons.
    """

    name: str
    task: str
    what: str
    done: int
    total: int | None
    unit: str
    state: str
    started: str
    seconds: float
    directory: str = ""
    executor: str = ""
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def progress(self) -> str:
        """As text: "300/1,000 images"."""
        return f"{self.done:,}{'' if self.total is None else f'/{self.total:,}'} {self.unit}"

    def cells(self) -> tuple[str, ...]:
        """The line's cells, as text."""
        return self.name, self.task, self.what, self.progress, self.state, self.started, duration(self.seconds)


def list_runs(folder: StrPath) -> list[Summary]:
    """The runs in a folder, by name; one whose record can't be read counts as damaged."""
    place = Path(folder)
    if not place.is_dir():
        raise DgnamError(f"there is no folder {place}")
    return [read_summary(path) for path in _runs_in(place)]


def read_summary(folder: StrPath) -> Summary:
    """What the run in a folder is."""
    path = Path(folder)
    try:
        run = Run.open(path)
    except DgnamError:
        return Summary(path.name, "?", "?", 0, None, CHUNKS, DAMAGED, "", 0.0)
    log, running = events.read_events(path / LOG), is_locked(path)
    total, unit = events.total(log)
    state = RUNNING if running else _state(run.record.task, log)
    took, done = events.seconds(log, path / JOURNAL, running), _done(run, unit)
    directory = events.last_directory(log) or ""
    what, began = _what(run.record), events.started(log)
    executor, failed = events.executor(log), events.failed(log)
    return Summary(path.name, run.record.task, what, done, total, unit, state, began, took, directory, executor, failed)


def find_runs(folder: StrPath, name: str, record: Record) -> list[Path]:
    """The folders `name-1`, `name-2`, … of a folder whose runs are of the same task, spec and inputs, in order."""
    place, stem, same = Path(folder), folder_name(name), {}
    for path in _runs_in(place) if place.is_dir() else ():
        head, _, number = path.name.rpartition("-")
        if head == stem and number.isdecimal():
            with contextlib.suppress(DgnamError):  # of another record, or a damaged one
                was = Record.read(path)
                was.check_same(record, path)
                if was.to_json()["spec"] == record.to_json()["spec"]:
                    same[int(number)] = path
    return [same[number] for number in sorted(same)]


def duration(seconds: float) -> str:
    """A time as people say it, in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next((place for place, (number, _) in enumerate(parts) if number), len(parts) - 1)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2])


def _runs_in(folder: Path) -> Iterator[Path]:
    """The folders of runs in a folder, by name."""
    for path in sorted(folder.iterdir()):
        with contextlib.suppress(OSError):  # a folder that may not be looked into
            if (path / RECORD).is_file():
                yield path


def _done(run: Run, unit: str) -> int:
    """How much is done; of an experiment, whose steps are runs in its folder, in all of them that count the same."""
    if unit == CHUNKS:
        return len(run.counts())
    if run.record.task in _STATES:
        return max(run.counts(), default=0)
    return sum(run.counts()) + waiting_count(run.path) + sum(sum(step.counts()) for step in _steps(run, unit))


def _steps(run: Run, unit: str) -> Iterator[Run]:
    for path in _runs_in(run.path) if run.record.task == "reproduce" else ():
        with contextlib.suppress(DgnamError):
            step = Run.open(path)
            if events.total(events.read_events(path / LOG))[1] == unit:
                yield step


def _state(task: str, log: Sequence[Mapping[str, Any]]) -> str:
    if task == "search":
        return WAITING
    if events.failed(log):
        return FAILED
    last = log[-1].get("event") if log else None
    return {events.ENDED: FINISHED, events.STOPPED: STOPPED}.get(str(last), KILLED)


def _what(record: Record) -> str:
    spec = record.spec
    if record.task == "again":
        return f"{spec.get('run')} job {spec.get('job')}"
    target, prior = (
        part.get("name") if isinstance(part, dict) else None for part in map(record.inputs.get, ("target", "prior"))
    )
    first, then = ([spec.get(name) for name in names] for names in (("target", "model", "encoder"), ("score", "prior")))
    parts = (*first, target, *then, prior)
    what = next((part for part in parts if isinstance(part, str)), "an object in Python")
    objective, experiment = spec.get("objective"), spec.get("experiment")
    if isinstance(experiment, str):
        return experiment if spec.get("target") is None else f"{experiment} {what}"
    return f"{what} {objective}" if isinstance(objective, str) else what
