"""The classes of a network: their names, from the lists in `models/labels` and from text files of the user's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import FormatError, shortened
from ..files.paths import StrPath, existing_file
from . import folders

_MOST_BYTES = 16 << 20
"""Far more than the names of any network's classes."""

_ANY_KEY, _WORDNET_ID = re.compile(r"\S+"), re.compile(r"[nvars]\d{8}")


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


def read_label_file(path: StrPath) -> list[Label]:
    """The classes in a text file of the user's, a line for each, in the order of the scores.

    A line is `name, synonym, …`, optionally after a WordNet id such as n01443537, as in synset_words.txt.  Lines that
    begin with # are comments.
    """
    return _read_labels(Path(path), _WORDNET_ID)


def _read_labels(path: Path, key: re.Pattern[str]) -> list[Label]:
    if existing_file(path).stat().st_size > _MOST_BYTES:
        raise FormatError(f"{path}: is too large for a list of classes (at most {_MOST_BYTES} bytes)")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: is not a text ({shortened(str(error))})") from None
    labels = [_label(line.strip(), key) for line in lines if line.strip() and not line.startswith("#")]
    if not labels:
        raise FormatError(f"{path}: lists no class; write a line for each, in the order of the scores")
    return labels


def _label(line: str, key: re.Pattern[str]) -> Label:
    first, _, rest = line.partition(" ")
    keyed = rest.strip() != "" and key.fullmatch(first) is not None
    names = tuple(name.strip() for name in (rest if keyed else line).split(",") if name.strip())
    return Label(first if keyed else line, names if names else (line,))
