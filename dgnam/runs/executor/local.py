"""Chunks made in this process, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..run import LOCAL, Run
from .executor import Chunks, Executor, Task, Work
from .parcels import ARRIVED, parcels_of, sound


class LocalExecutor(Executor):
    """Makes one chunk after the other; an error ends the run, since it would come again."""

    name = LOCAL

    def make(
        self, run: Run, tasks: Iterable[Task], work: Work, *, check: Callable[[], None], progress: bool = True
    ) -> Chunks:
        found = self._parcels(run)
        for task in tasks:
            check()
            name = found.get(task.name)
            yield work.here(task.what) if name is None else parcels_of(run).open(name)
            if name is not None:
                parcels_of(run).remove(name)
        if (run.path / ARRIVED).is_dir():
            parcels_of(run).clear()

    def waiting(self, run: Run) -> set[str]:
        return set(self._parcels(run))

    def _parcels(self, run: Run) -> dict[str, str]:
        return sound(parcels_of(run)) if (run.path / ARRIVED).is_dir() else {}
