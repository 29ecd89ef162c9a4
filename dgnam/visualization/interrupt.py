"""Ctrl-C during a run: the step in hand is finished, what is done stays, and the user learns how to go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


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
