"""What runs in a worker of Ray: nets that stay opened, and the chunks made with them."""

from __future__ import annotations

import os
import socket
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...errors import DgnamError
from .executor import Maker, Task
from .parcels import Parcels, pack, parcel_name

_LONGEST = 2000


@dataclass(frozen=True)
class Place:
    """Where a worker leaves its parcels.

    url: what `Parcels` opens.
    token, secret: a file there, and its content, by which the worker knows that it sees the same place.
    must: whether it is an error if it doesn't; otherwise parcels go back through Ray.
    """

    url: str
    token: str
    secret: bytes
    must: bool


@dataclass(frozen=True)
class Opened:
    """A worker is ready for a run.

    reaches: whether it sees the place for parcels.
    warnings: texts of those that came.
    """

    host: str
    reaches: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Parcel:
    """A chunk is made; content: None where the parcel is in its place already."""

    name: str
    content: bytes | None


@dataclass(frozen=True)
class Trouble:
    """What was asked for could not be done; memory: for want of memory."""

    reason: str
    memory: bool = False


class Worker:
    """An actor of Ray: it opens a run's nets once, and makes its chunks; its answers are never exceptions.

    directory: the working directory that relative paths are of, where there is such a folder.
    variables: of the environment, for those that are not set here.
    """

    def __init__(self, directory: str, variables: Mapping[str, str]):
        for name, value in variables.items():
            os.environ.setdefault(name, value)
        if os.path.isdir(directory):
            os.chdir(directory)
            sys.path[:] = [entry for entry in sys.path if entry]
        self._host = socket.gethostname()
        self._maker: Maker | None = None
        self._parcels: Parcels | None = None

    def open(self, there: Callable[[], Maker], threads: int, place: Place) -> Opened | Trouble:
        """Get ready for a run, in place of the one before."""
        self._maker = self._parcels = None
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always", UserWarning)
                _compute_with(threads)
                self._parcels = _reached(place)
                self._maker = there()
        except Exception as error:
            return self._trouble(error)
        texts = [str(one.message) for one in said if type(one.message) is UserWarning]
        return Opened(self._host, self._parcels is not None, tuple(dict.fromkeys(texts)))

    def make(self, task: Task) -> Parcel | Trouble:
        """Make a chunk, and put it into its place if that is reached from here."""
        assert self._maker is not None
        try:
            made = self._maker(task.what)
            content = pack(made)
            name = parcel_name(task.name, made.count, content)
        except Exception as error:
            return self._trouble(error)
        if self._parcels is not None:
            try:
                self._parcels.put(name, content)
                return Parcel(name, None)
            except DgnamError:  # from now on the driver gets them, which may reach the place
                self._parcels = None
        return Parcel(name, content)

    def _trouble(self, error: Exception) -> Trouble:
        text = str(error) if isinstance(error, DgnamError) else "".join(traceback.format_exception_only(error)).strip()
        return Trouble(f"on {self._host}: {text[:_LONGEST]}", short_of_memory(error))


def short_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is one of too little memory."""
    while error is not None:
        text = str(error).lower()
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            return True
        if isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text):
            return True
        error = error.__cause__
    return False


def _compute_with(threads: int) -> None:
    """Have torch compute with so many threads: sums come out in another order with another number."""
    import torch

    torch.set_num_threads(threads)


def _reached(place: Place) -> Parcels | None:
    """The place for parcels; None where they go back through Ray."""
    try:
        parcels = Parcels(place.url)
        if parcels.get(place.token) == place.secret:
            return parcels
        reason = "another place of that name is seen from here"
    except DgnamError as error:
        reason = str(error)
    if place.must:
        raise DgnamError(f"the store {place.url} is not reached: {reason}")
    return None
