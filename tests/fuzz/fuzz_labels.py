"""The classes of a net of the user's own, as text."""

from __future__ import annotations

from pathlib import Path

from dgnam.zoo import read_label_file

FILE = "hostile.txt"


def seeds() -> list[bytes]:
    return [b"tench\ngreat white shark, man-eater\n", b"# a comment\r\nn01443537 goldfish, Carassius auratus\n\n,\n"]


def read(path: Path) -> None:
    read_label_file(path)
