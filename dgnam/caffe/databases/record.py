"""A database entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """An entry: its key, and `read`, which returns its value; skipping an entry reads no value."""

    key: bytes
    read: Callable[[], bytes]
