"""Who makes the chunks of a run: the one place that hands them out.

    with executor:
        for made in executor.make(run, tasks, work):
            run.save(…)

A task is a chunk to make.  Chunks come back in the order of their tasks, whoever makes them, so that a run has the same
bytes.  Those made before it is their turn wait as parcels (see `parcels`), and a run that is resumed begins with them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..chunks import Arrays
from ..run import Run

Maker = Callable[[Any], "Made"]
"""What makes a chunk from its task's `what`."""


@dataclass(frozen=True)
class Task:
    """A chunk to make: its name, and what its maker needs to know."""

    name: str
    what: Any


@dataclass(frozen=True, eq=False)
class Made:
    """A chunk that is not entered yet: its arrays, the files of the run's folder with it, and how much it holds."""

    arrays: Arrays
    files: Mapping[str, bytes] = field(default_factory=dict)
    count: int = 1


@dataclass(frozen=True)
class Failed:
    """A chunk that could not be made, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Work:
    """How the chunks of a run are made.

    here: in this process; it is called with the tasks in their order, those that have a parcel left out.
    there: what gives the maker in another process, where it is called once; it is sent there.  None where there is no
        call to be repeated, and the chunks are made here alone.
    ahead: how many tasks may be handed out before the first of them is back; None for any number.
    threads: that torch computes with, since bytes depend on them.
    device: "cpu" or "cuda".
    chained: whether a chunk needs all those before it; after one that failed the others then stay parcels.
    """

    here: Maker
    there: Callable[[], Maker] | None
    ahead: int | None = None
    threads: int = 1
    device: str = "cpu"
    chained: bool = False


Chunks = Generator[Made | Failed, None, None]
"""The chunks that come back, in the order of their tasks; to be closed, where not all are taken."""


class Executor(ABC):
    """Who makes chunks.  A context manager, which may be entered again within itself.

    name: as the command line has it.
    """

    name: str

    @abstractmethod
    def make(
        self, run: Run, tasks: Iterable[Task], work: Work, *, check: Callable[[], None], progress: bool = True
    ) -> Chunks:
        """Make the tasks' chunks, one for each task and in their order.

        tasks: taken one by one, as they are handed out.
        check: called now and then, to raise an interrupt.
        """

    @abstractmethod
    def waiting(self, run: Run) -> set[str]:
        """The names of chunks that have a parcel."""

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *_: object) -> None:
        return
