"""Ctrl-C and SIGTERM during a run: the step in hand is finished, what is done stays, and the user learns how to go on.

The exit statuses of the commands are here too.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from .record import resume_command

BAD_INPUT = 2
"""The exit status where something was asked for that can't be done; the message says what would be valid."""

STOPPED = 3
"""The exit status of a training that stopped at its time limit."""

INCOMPLETE = 4
"""The exit status of a run some of whose chunks failed; the others were made."""

INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells have it."""

TERMINATED = 143
"""The exit status after SIGTERM, as shells have it."""

_STATUS = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}


class Interrupted(KeyboardInterrupt):
    """The user stopped a run; the message says what is done, and how to resume it.

    status: the exit status.
    folder: the folder to resume; of a run within a run the outer one, and None where nothing was kept.
    """

    def __init__(self, done: str, status: int = INTERRUPTED, folder: Path | None = None):
        super().__init__(done)
        self.status, self.folder = status, folder

    def __str__(self) -> str:
        done = super().__str__()
        return done if self.folder is None else f"{done}; resume it: {resume_command(self.folder)}"


class Stop:
    """Whether a signal has come; true in a condition once it has.

    status: the exit status that belongs to it.
    """

    def __init__(self) -> None:
        self.status = 0

    def __bool__(self) -> bool:
        return self.status != 0

    def interrupted(self, done: str, folder: Path | None = None) -> Interrupted:
        """The exception to raise at a safe point."""
        return Interrupted(done, self.status if self.status else INTERRUPTED, folder)


@contextmanager
def defer_interrupt() -> Iterator[Stop]:
    """While this lasts the first Ctrl-C or SIGTERM is only noted, and a second one ends the program as usual.

    Yields what tells whether there was one.  Outside the main thread, where no signal arrives, there is none.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in _STATUS}

    def note(number: int, frame: FrameType | None) -> None:
        stop.status = _STATUS[signal.Signals(number)]
        _restore(before)

    for number in _STATUS:
        signal.signal(number, note)
    try:
        yield stop
    finally:
        _restore(before)


def _restore(handlers: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
