"""Data-parallel solvers, one process each: the rank and the number of solvers.

In TRAIN, data layers divide the records: of every `solver_count()` consecutive records a solver takes the one at its
rank.  Only rank 0 logs, tests and takes snapshots.  Gradients are not exchanged: `NCCL` is the stub of a pycaffe built
without NCCL.
"""

from __future__ import annotations

from operator import index
from typing import Any, NoReturn

from ..errors import CaffeError
from .proto import pb

_count = 1
_rank = 0
_multiprocess = False


def solver_count() -> int:
    """Return the number of solvers."""
    return _count


def set_solver_count(count: int) -> None:
    """Set the number of solvers, at least 1."""
    global _count
    if index(count) < 1:
        raise CaffeError(f"set_solver_count: the count must be at least 1; got {count}")
    _count = index(count)


def solver_rank() -> int:
    """Return this process's rank, from 0."""
    return _rank


def set_solver_rank(rank: int) -> None:
    """Set this process's rank, from 0."""
    global _rank
    if index(rank) < 0:
        raise CaffeError(f"set_solver_rank: ranks count from 0; got {rank}")
    _rank = index(rank)


def multiprocess() -> bool:
    """Return whether each solver runs in its own process, as parallel Python layers need."""
    return _multiprocess


def set_multiprocess(multiprocess: bool) -> None:
    """Set whether each solver runs in its own process."""
    global _multiprocess
    _multiprocess = bool(index(multiprocess))


def is_root_solver() -> bool:
    """Return whether this solver logs, tests and takes snapshots (rank 0)."""
    return _rank == 0


def keeps_record(record: int, phase: int) -> bool:
    """Return whether this solver's data layer takes record number `record` or skips it.

    In TEST it takes all records, since only one solver tests.
    """
    if phase == pb.TEST:
        return True
    if _rank >= _count:
        raise CaffeError(f"this solver's rank is {_rank} of {_count}; call set_solver_count before a data layer reads")
    return record % _count == _rank


def has_nccl() -> bool:
    """Return False: there is no NCCL."""
    return False


class NCCL:
    """The stub of a pycaffe built without NCCL: can be constructed, and nothing else."""

    def __init__(self, solver: Any, uid: str | bytes):
        if not isinstance(uid, str | bytes):
            raise TypeError(f"NCCL takes a solver and a uid (str or bytes); got {uid!r}")

    @staticmethod
    def new_uid() -> NoReturn:
        """Raises CaffeError: there is no NCCL."""
        raise _without_nccl("new_uid")

    def bcast(self) -> NoReturn:
        """Raises CaffeError: there is no NCCL."""
        raise _without_nccl("bcast")


def _without_nccl(what: str) -> CaffeError:
    return CaffeError(f"NCCL.{what}: NCCL is not available (has_nccl() is False); train with one solver")
