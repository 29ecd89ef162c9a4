"""`dgnam runs`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from . import options as o
from .terminal import say


def runs(
    folder: Annotated[Path, typer.Argument(help="The folder holding the runs.")] = Path("runs"),
    as_json: o.Json = False,
) -> None:
    """List the runs in a folder: name, task, subject, progress, state, start and duration."""
    from ..runs.index import list_runs

    found = list_runs(folder)
    if as_json:
        print(json.dumps([asdict(run) for run in found], indent=2))
        return
    rows = [("run", "task", "what", "progress", "state", "started", "took"), *(run.cells() for run in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
