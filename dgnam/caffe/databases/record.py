"""A database entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """An entry: its key, and `read`, which returns its value; skipping an entry reads no value.

    size: of the value in bytes, where it is known without reading it.
    """

    key: bytes
    read: Callable[[], bytes]
    size: int | None = None
