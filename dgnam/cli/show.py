"""`dgnam show`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

import dgnam

from ..runs import Record
from ..runs.index import duration, read_summary
from ..runs.record import RECORD, objects_in, resume_command
from . import options as o
from .resume import TASKS
from .terminal import say


def show(
    folder: o.RunFolder,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Show what a run is, its progress, and how to resume or repeat it."""
    record = Record.read(folder)
    if as_json:
        print(json.dumps(record.to_json(), indent=2, sort_keys=True))
        return
    summary = read_summary(folder)
    say([f"{folder}: {record.task} of {summary.what}"])
    say([f"  {summary.state}, {summary.progress}, started {summary.started}, took {duration(summary.seconds)}"])
    say([f"  in {summary.directory}"] if summary.directory else [])
    say([f"  executor: {summary.executor}"] if summary.executor else [])
    say(f"  chunk {name} failed: {why}" for name, why in summary.failed.items())
    say([f"  {name}: {_shown(value)}" for name, value in sorted(record.spec.items()) if value is not None])
    say([f"  {name}: {_shown(value)}" for name, value in sorted(record.environment.items())])
    say([f"==> {_next(folder, record, summary.state)}"])
    if record.task == "visualize" and summary.state == "finished":
        say([f"==> make a picture again, with a movie: dgnam again {shlex.quote(str(folder))} --job 0"])


def _next(folder: Path, record: Record, state: str) -> str:
    """How to resume the run, or to repeat it where it is finished."""
    place = shlex.quote(str(folder))
    if record.task == "search":
        return f"go on: dgnam evolve ask {place}, and dgnam evolve tell {place}"
    if (folder.resolve().parent / RECORD).is_file():
        return f"it is a step of another run: dgnam show {shlex.quote(str(folder.parent))}"
    arguments = ", ".join(f"{name}={value!r}" for name, value in record.spec.items() if value is not None)
    call = f"{_function(record.task)}({arguments})"
    if state == "finished":
        return f"repeat it in Python: {call}"
    if objects_in(record.spec):
        return f"resume it in Python, with folder={str(folder)!r} and resume=True: {call}"
    return f"resume it: {resume_command(folder)}"


def _function(task: str) -> str:
    """What a Python program calls a task's function, after `import` of all but its last name."""
    module = TASKS[task][0] if task in TASKS else "dgnam"
    return f"dgnam.{task}" if task in dgnam.__all__ else f"{module}.{task}"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:119]}…"
