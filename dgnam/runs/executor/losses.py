"""The chunks of a run that an executor gave up."""

from __future__ import annotations

from ...errors import ChunksFailedError
from ..record import resume_command
from ..run import Run
from .executor import Failed

LISTED = 5
"""So many lost chunks are listed with their reasons in an error."""


class ChunkLosses:
    """The chunks of a run that an executor gave up; true in a condition once there is one."""

    def __init__(self, run: Run):
        self._run, self._reasons = run, dict[str, str]()

    def add(self, failed: Failed) -> None:
        """Take note of a chunk, and go on with the others."""
        self._reasons[failed.name] = failed.reason

    def __bool__(self) -> bool:
        return bool(self._reasons)

    def complain(self) -> None:
        """Raise ChunksFailedError if there is one."""
        if self._reasons:
            listed = "; ".join(f"chunk {name}: {reason}" for name, reason in list(self._reasons.items())[:LISTED])
            more = f"; … ({len(self._reasons)} in all)" if len(self._reasons) > LISTED else ""
            number = "a chunk" if len(self._reasons) == 1 else f"{len(self._reasons)} chunks"
            how = f"the others are made; this tries again: {resume_command(self._run.path)}"
            raise ChunksFailedError(f"{number} of {self._run.path} failed, and {how}; {listed}{more}", self._reasons)
