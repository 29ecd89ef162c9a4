"""The options of a clip layer, from the JSON in its param_str."""

from __future__ import annotations

from pathlib import Path

from dgnam.data.clip_text import read_clip_text
from dgnam.errors import naming

FILE = "hostile.json"


def seeds() -> list[bytes]:
    return [
        b'{"source": "sports64-train", "window": 56, "label": "motion", "clips": 12, "paths": 16}',
        b'{"source": "s", "window": 9, "label": "class", "frames": 4, "overhang": 0, "resize": [80, 90], '
        b'"mirror": true, "mean": [1, 2.5, 3]}',
    ]


def read(path: Path) -> None:
    with naming(path):
        read_clip_text(path.read_text(encoding="utf-8", errors="replace"))
