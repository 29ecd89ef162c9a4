"""act_ranges as text."""

from __future__ import annotations

from pathlib import Path

from dgnam.zoo import read_act_range

FILE = "hostile.txt"


def seeds() -> list[bytes]:
    return [b"1 2 33 0 12\n", b"1.5\t-2e3\r\n0x10"]


def read(path: Path) -> None:
    read_act_range(path)
