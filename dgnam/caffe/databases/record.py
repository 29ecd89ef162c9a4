"""An entry of a database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """An entry: its key, and `read`, which gives its value, so that an entry passed over costs no reading."""

    key: bytes
    read: Callable[[], bytes]
