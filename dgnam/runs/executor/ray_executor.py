"""Chunks made by the workers of a Ray cluster, each on its own GPU or CPUs."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ...errors import DgnamError, optional_module, shortened
from ...process.threads import cores
from ..record import digest
from ..run import Run
from .executor import Chunks, Executor, Task, Work
from .parcels import EXTRA, Parcels, parcels_of, sound

RETRIES, MOST_RETRIES = 3, 1000
"""How often a chunk that failed is tried again, usually and at most."""


class RayExecutor(Executor):
    """The workers of a Ray cluster: those that it has while the run goes on, however they come and go.

    address: of the cluster, as HOST:PORT, "auto" for the one on this machine, or ray://HOST:PORT; None for that in
        $RAY_ADDRESS, or else a cluster of this machine alone, which ends with the run.
    store: a URL that fsspec opens, or a folder, which all machines reach: workers leave their chunks there.  None for
        the run's folder, where a worker sees it, and the way back through Ray, where it doesn't.
    retries: how often a chunk that fails is tried again.  A lost machine is not its fault, and is not counted.
    """

    def __init__(self, address: str | None = None, *, store: str | None = None, retries: int = RETRIES):
        if not 0 <= retries <= MOST_RETRIES:
            raise DgnamError(f"retries {retries}: give 0 to {MOST_RETRIES}")
        self.name = "ray" if address is None else f"ray:{address}"
        self.retries, self.workers = retries, list[Any]()
        self._address = address
        self._store = store if store is None or "://" in store else os.path.abspath(store)
        self._depth, self._own = 0, False

    @property
    def ray(self) -> Any:
        """The module `ray`, without which there is a MissingPackageError."""
        return optional_module("ray", f"executor '{self.name}'", EXTRA)

    def __enter__(self) -> RayExecutor:
        if not self._depth:
            self._connect()
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth:
            return
        for worker in self.workers:
            worker.kill()
        self.workers.clear()
        if self._own:
            self.ray.shutdown()
            self._own = False

    def make(
        self, run: Run, tasks: Iterable[Task], work: Work, *, check: Callable[[], None], progress: bool = True
    ) -> Chunks:
        from .ray_dispatch import Dispatch

        return Dispatch(self, run, tasks, work, check, progress).chunks()

    def waiting(self, run: Run) -> set[str]:
        return {chunk for parcels in self.places(run) for chunk in sound(parcels)}

    def places(self, run: Run) -> list[Parcels]:
        """Where parcels are: first where workers leave them, and last in the run's folder."""
        return [*([] if self._store is None else [Parcels(self._in_store(run))]), parcels_of(run)]

    @property
    def surroundings(self) -> tuple[str, dict[str, str]]:
        """What workers share with this process: the working directory, and variables that say where files are."""
        try:
            directory = os.getcwd()
        except OSError:
            directory = ""
        return directory, {name: value for name, value in os.environ.items() if name.startswith("DGNAM_")}

    @property
    def has_store(self) -> bool:
        """Whether there is a store that all workers must reach."""
        return self._store is not None

    def _in_store(self, run: Run) -> str:
        """The folder of a run in the store, by its name and by what decides its bytes."""
        slash = "" if str(self._store).endswith("/") else "/"
        return f"{self._store}{slash}{run.path.resolve().name}-{digest(run.record)[:16]}"

    def _connect(self) -> None:
        """Connect to the cluster, or start one; a connection that the program has is taken."""
        ray = self.ray
        if ray.is_initialized():
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        address = os.environ.get("RAY_ADDRESS") if self._address is None else self._address
        own = {"address": "local", "include_dashboard": False, "num_cpus": cores()}
        given: dict[str, Any] = {"address": address} if address else own
        try:
            with _signals_kept():
                ray.init(**given, log_to_driver=False, configure_logging=False)
        except Exception as error:
            reason = shortened(str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__, 300)
            raise DgnamError(f"executor '{self.name}': no cluster can be reached: {reason}") from error
        self._own = True


@contextmanager
def _signals_kept() -> Iterator[None]:
    """While this lasts nothing may change what SIGINT and SIGTERM do, as `ray.init` would."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
