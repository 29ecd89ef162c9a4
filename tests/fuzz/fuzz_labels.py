"""The classes of a net of the user's own, as text."""

from __future__ import annotations

from pathlib import Path

from dgnam.zoo import read_label_file

FILE = "hostile.txt"


def seeds() -> list[bytes]:
    return [
        b"tench\ngreat white shark, man-eater\n",
        b"# a comment\r\nn01443537 goldfish, Carassius auratus\n\n,\n",
        b'index,name\n0,tench\n1,"great white shark, man-eater"\n',
        b'{"id2label": {"0": "tench", "1": ["n01484850", "great_white_shark"]}}',
        b"{0: 'tench', 1: \"hen\"}",
        "n01440764\r\nhen 1\r\n".encode("utf-16"),
    ]


def read(path: Path) -> None:
    read_label_file(path)
