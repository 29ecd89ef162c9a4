"""Where the chunks of a run are made: in this process, or by the workers of a Ray cluster."""

from __future__ import annotations

from ...errors import DgnamError
from .executor import Executor, Failed, Made, Task, Work
from .local import LocalExecutor
from .losses import ChunkLosses
from .ray_executor import RETRIES, RayExecutor

__all__ = [
    "ChunkLosses",
    "Executor",
    "Failed",
    "LocalExecutor",
    "Made",
    "RayExecutor",
    "Task",
    "Work",
    "open_executor",
]


def open_executor(given: str | Executor | None, store: str | None = None, retries: int | None = None) -> Executor:
    """The executor that is given or named: "local", which None stands for, "ray" or "ray:ADDRESS".

    store, retries: of Ray's, see `RayExecutor`; elsewhere they are an error.
    """
    if isinstance(given, str) and (given == "ray" or given.startswith("ray:")):
        address = given[len("ray:") :] or None
        return RayExecutor(address, store=store, retries=RETRIES if retries is None else retries)
    if store is not None or retries is not None:
        raise DgnamError(f"executor '{given if given else 'local'}' has no store and no retries: give ray[:ADDRESS]")
    if isinstance(given, Executor):
        return given
    if given not in (None, LocalExecutor.name):
        raise DgnamError(f"executor '{given}': give local, ray or ray:ADDRESS")
    return LocalExecutor()
