"""The classes of a network: their names, from the lists in `models/labels`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import FormatError
from ..files.text import read_lines
from . import folders

MOST_BYTES = 16 << 20
"""Far more than the names of any network's classes."""

_ANY_KEY, WORDNET_ID = re.compile(r"\S+"), re.compile(r"[nvars]\d{8}")


@dataclass(frozen=True)
class Label:
    """A class: its key (a WordNet id, a category) and its names, the usual one first."""

    key: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.names[0]

    def __str__(self) -> str:
        return self.name


def labels_path(label_set: str) -> Path:
    """The file that lists the classes of this set."""
    return folders.data_folder("models") / "labels" / f"{label_set}.txt"


def read_labels(label_set: str) -> list[Label]:
    """The classes that `models/labels/<label_set>.txt` lists, a line `key name, synonym, …` each."""
    return _read_labels(labels_path(label_set), _ANY_KEY)


def _read_labels(path: Path, key: re.Pattern[str]) -> list[Label]:
    lines = read_lines(path, MOST_BYTES, "a list of classes")
    labels = [parse_label(line.strip(), key) for line in lines if line.strip() and not line.startswith("#")]
    if not labels:
        raise FormatError(f"{path}: lists no class")
    return labels


def parse_label(line: str, key: re.Pattern[str]) -> Label:
    """The class of a line `key name, synonym, …`, or without a key where the first word is none."""
    first, *rest = line.split(maxsplit=1)
    keyed = bool(rest) and key.fullmatch(first) is not None
    names = tuple(name.strip() for name in (rest[0] if keyed else line).split(",") if name.strip())
    return Label(first if keyed else line, names if names else (line,))
