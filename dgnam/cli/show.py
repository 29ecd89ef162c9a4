"""`dgnam show`."""

from __future__ import annotations

import json
import shlex
from typing import Annotated, Any

import typer

from ..runs import Record
from ..runs.index import duration, read_summary
from ..runs.next_step import next_step
from . import options as o
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
    say([f"==> {': '.join(next_step(folder, record, summary.state))}"])
    if record.task == "visualize" and summary.state == "finished":
        say([f"==> make a picture again, with a movie: dgnam again {shlex.quote(str(folder))} --job 0"])


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:119]}…"
