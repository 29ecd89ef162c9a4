"""One process at a time in a folder."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DgnamError

try:
    import fcntl
except ImportError:  # Windows has none, and two processes there are the user's own care
    fcntl = None  # type: ignore[assignment]


TRIES, WAIT = 10, 0.02
"""How often a lock is tried, and the seconds between: `dgnam runs`, looking, holds it for an instant."""


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """While this lasts another process asking for the same folder gets an error; a killed one leaves no lock."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        if not _locked(handle, fcntl.LOCK_EX, tries=TRIES):
            raise DgnamError(f"another process is at work in {folder}")
        yield
    finally:
        os.close(handle)


def is_locked(folder: Path) -> bool:
    """Whether a process is at work in the folder; looking takes no lock that would hinder one for long."""
    if fcntl is None:
        return False
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _locked(handle, fcntl.LOCK_SH, tries=1)
    finally:
        os.close(handle)


def _locked(handle: int, kind: int, tries: int) -> bool:
    """Whether the folder could be locked, or lies on a file system without locks."""
    for left in reversed(range(tries)):
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if left:
                time.sleep(WAIT)
        except OSError:
            return True
    return False
