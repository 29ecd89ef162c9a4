"""Several solvers side by side, each in a process of its own: which one this is, and of how many.

Data layers in TRAIN share the records out by that: of every `solver_count()` records in a row, a solver keeps the one
at its rank.  Rank 0 alone logs, tests and takes snapshots.  Nothing here moves gradients: `NCCL` is what a pycaffe
built without it has.
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
    """How many solvers there are."""
    return _count


def set_solver_count(count: int) -> None:
    """Say how many solvers there are, at least 1."""
    global _count
    if index(count) < 1:
        raise CaffeError(f"set_solver_count: there is at least 1 solver, and {count} were given")
    _count = index(count)


def solver_rank() -> int:
    """Which of the solvers this process is, from 0."""
    return _rank


def set_solver_rank(rank: int) -> None:
    """Say which of the solvers this process is, from 0."""
    global _rank
    if index(rank) < 0:
        raise CaffeError(f"set_solver_rank: ranks count from 0, and {rank} was given")
    _rank = index(rank)


def multiprocess() -> bool:
    """Whether each solver has a process of its own, so that Python layers can run in several at once."""
    return _multiprocess


def set_multiprocess(multiprocess: bool) -> None:
    """Say that each solver has a process of its own."""
    global _multiprocess
    _multiprocess = bool(index(multiprocess))


def is_root_solver() -> bool:
    """Whether this is the solver that logs, tests and takes snapshots."""
    return _rank == 0


def keeps_record(record: int, phase: int) -> bool:
    """Whether a data layer of this solver takes the `record`th record that it reads, or passes it over.

    In TEST it takes all of them, since only one solver tests.
    """
    if phase == pb.TEST:
        return True
    if _rank >= _count:
        raise CaffeError(f"this solver's rank is {_rank} of {_count}; call set_solver_count before a data layer reads")
    return record % _count == _rank


def has_nccl() -> bool:
    """Whether gradients can be summed over GPUs with NCCL: never."""
    return False


class NCCL:
    """What pycaffe has of NCCL where it was built without: an object that can be made, and no more."""

    def __init__(self, solver: Any, uid: str | bytes):
        if not isinstance(uid, str | bytes):
            raise TypeError(f"NCCL takes a solver and a uid, a str or bytes, and got {uid!r}")

    @staticmethod
    def new_uid() -> NoReturn:
        """Raises CaffeError, since there is no NCCL."""
        raise _without_nccl("new_uid")

    def bcast(self) -> NoReturn:
        """Raises CaffeError, since there is no NCCL."""
        raise _without_nccl("bcast")


def _without_nccl(what: str) -> CaffeError:
    return CaffeError(f"NCCL.{what}: there is no NCCL here, as has_nccl() says; train with one solver")
