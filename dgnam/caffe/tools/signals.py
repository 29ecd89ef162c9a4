"""What a training does on SIGINT (Ctrl-C) and SIGHUP (the terminal is closed)."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ...errors import CaffeError, closest
from ..solver import Solver, SolverAction


def effect(name: str, option: str) -> SolverAction:
    """The action that an option names."""
    names = [action.value for action in SolverAction]
    if name not in names:
        raise CaffeError(f"--{option} '{name}': give one of {closest(name, names)}")
    return SolverAction(name)


@contextmanager
def obeyed(solver: Solver, sigint: SolverAction, sighup: SolverAction) -> Iterator[None]:
    """While this lasts a signal doesn't end the program: the solver does its action once the iteration is over."""
    effects = {signal.SIGINT: sigint}
    if hasattr(signal, "SIGHUP"):
        effects[signal.SIGHUP] = sighup
    got: set[int] = set()

    def note(number: int, frame: FrameType | None) -> None:
        got.add(number)

    def asked() -> SolverAction:
        for number in sorted(got):  # SIGHUP is 1, and comes first as in Caffe
            got.discard(number)
            return effects[signal.Signals(number)]
        return SolverAction.NONE

    before = {number: signal.signal(number, note) for number in effects}
    solver.set_action_function(asked)
    try:
        yield
    finally:
        solver.set_action_function(lambda: SolverAction.NONE)
        for number, handler in before.items():
            signal.signal(number, handler)
