"""`dgnam runs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import say


def runs(
    folder: Annotated[Path, typer.Argument(help="The folder holding the runs.")] = Path("runs"),
) -> None:
    """List the runs in a folder: name, task, subject, finished chunks, state and start."""
    from ..runs.index import list_runs

    rows = [("run", "task", "what", "chunks", "state", "started"), *(run.cells() for run in list_runs(folder))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
