"""The options of an AugmentedData layer, from the JSON in its param_str."""

from __future__ import annotations

from pathlib import Path

from dgnam.errors import naming
from dgnam.train.augmented_text import read_augmented_text

FILE = "hostile.json"


def seeds() -> list[bytes]:
    return [
        b'{"source": "tinyimagenet64-train", "batch_size": 128, "crop_size": 56, "area": 0.4, "stretch": 1.3}',
        b'{"source": "s", "batch_size": 1, "crop_size": 9, "mirror": false, "mean": [1, 2.5, 3], "light": 0.2, '
        b'"color": 0.1, "noise": 8}',
    ]


def read(path: Path) -> None:
    with naming(path):
        read_augmented_text(path.read_text(encoding="utf-8", errors="replace"))
