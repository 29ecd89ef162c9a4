"""Actions of a training on SIGINT (Ctrl-C) and SIGHUP (closed terminal)."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ...errors import CaffeError, closest
from ..solver import Solver, SolverAction


def effect(name: str, option: str) -> SolverAction:
    """Return the action named by an option."""
    names = [action.value for action in SolverAction]
    if name not in names:
        raise CaffeError(f"--{option} '{name}': use one of {closest(name, names)}")
    return SolverAction(name)


@contextmanager
def obeyed(solver: Solver, sigint: SolverAction, sighup: SolverAction) -> Iterator[None]:
    """Make signals trigger the solver's action after the current iteration instead of ending the program."""
    effects = {signal.SIGINT: sigint}
    if hasattr(signal, "SIGHUP"):
        effects[signal.SIGHUP] = sighup
    got: set[int] = set()

    def note(number: int, frame: FrameType | None) -> None:
        got.add(number)

    def asked() -> SolverAction:
        for number in sorted(got):  # SIGHUP (1) comes first, as in Caffe
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
