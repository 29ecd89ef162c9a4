"""Ctrl-C during a run: the step in hand is finished, what is done stays, and the user learns how to go on.

The exit statuses of the commands are here too.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

BAD_INPUT = 2
"""The exit status where something was asked for that can't be done; the message says what would be valid."""

STOPPED = 3
"""The exit status of a training that stopped at its time limit."""

INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells have it."""


class Interrupted(KeyboardInterrupt):
    """The user stopped a run; the message says what is done and how to go on."""


@contextmanager
def noted() -> Iterator[Callable[[], bool]]:
    """While this lasts the first Ctrl-C is only noted, and a second one ends the program as usual.

    Yields a function that tells whether there was one.  Outside the main thread, where no signal arrives, there is
    none.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    seen: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(seen)
    finally:
        signal.signal(signal.SIGINT, before)
