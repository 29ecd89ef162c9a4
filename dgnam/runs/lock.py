"""One process at a time in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DgnamError

try:
    import fcntl
except ImportError:  # Windows has none, and two processes there are the user's own care
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """While this lasts another process that asks for the same folder gets an error; a killed one leaves no lock."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DgnamError(f"another process is at work in {folder}") from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(handle)
