"""Progress on standard error: a bar in a terminal, elsewhere a line now and then."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, TextIO

SECONDS = 30.0
"""In a file or a pipe there is at most one line in so many seconds."""


class _Lines:
    """A stream that gets a line where a terminal would have its bar drawn again; one that fails stops no run."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        kept = text.replace("\r", "").strip()
        with contextlib.suppress(OSError, ValueError):  # a pipe or file that is closed, or a full disk
            return self._stream.write(f"{kept}\n") if kept else 0
        return 0

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


def progress_bar(iterable: Any = None, *, show: bool = True, **options: Any) -> Any:
    """tqdm's bar with its options (total, unit, desc, initial …), drawn on standard error.

    show: False draws nothing, and so does a standard error that is closed.
    Where standard error is no terminal it gets a line at most every 30 seconds.
    """
    from tqdm import tqdm

    if sys.stderr is None:
        return tqdm(iterable, disable=True, **options)
    if sys.stderr.isatty():
        return tqdm(iterable, disable=not show, **options)
    quiet = {"mininterval": SECONDS, "maxinterval": SECONDS, "leave": False, "delay": SECONDS, "ascii": True}
    return tqdm(iterable, disable=not show, file=_Lines(sys.stderr), **{**options, **quiet})
