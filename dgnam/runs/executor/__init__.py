"""Where the chunks of a run are made: in this process, so far."""

from __future__ import annotations

from ...errors import DgnamError
from .executor import Executor, Failed, Made, Task, Work
from .local import LocalExecutor
from .losses import ChunkLosses

__all__ = [
    "ChunkLosses",
    "Executor",
    "Failed",
    "LocalExecutor",
    "Made",
    "Task",
    "Work",
    "open_executor",
]


def open_executor(given: str | Executor | None) -> Executor:
    """The executor that is given or named: "local", which None stands for."""
    if isinstance(given, Executor):
        return given
    if given not in (None, LocalExecutor.name):
        raise DgnamError(f"executor '{given}': give local")
    return LocalExecutor()
