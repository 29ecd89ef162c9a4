"""The names of a network's classes in the forms that are about, in the order of the units.

text          a line for each: `name, synonym, …`, a whole synset line (`n01440764 tench, Tinca tinca`), or a WordNet id
numbered      lines with each unit's number before the name (`0: tench`, `0,tench`) or behind it (`/a/alley 0`)
dicts         JSON, or a dict as Python prints it: number → name, number → [WordNet id, name], name → number; alone or
              as the id2label, label2id, class_to_idx or classes of a larger one
folders       a tree with a folder for each class, as torchvision's ImageFolder has it; in the order of their names
"""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import DgnamError, FormatError, shortened
from ..files.paths import StrPath
from ..files.text import read_text, split_lines
from .labels import MOST_BYTES, WORDNET_ID, Label, parse_label, read_labels

_INNER = ("id2label", "idx_to_class", "label2id", "class_to_idx", "idx2label", "classes", "labels", "names")
"""Under what larger dicts, as a model's config.json, hold the classes."""

_SEPARATORS, _DIGITS, _MOST_DIGITS = ":,;\t ", "0123456789", 7
_WHAT = "a list of classes"

_MOST_LITERAL = 1 << 20
"""The most letters of what Python prints of a dict; its reader takes a hundred times as much room."""


def read_label_file(path: StrPath) -> list[Label]:
    """The classes in a file or folder of the user's; FormatError for what is none of the forms above."""
    place = Path(path)
    if place.is_dir():
        return _folders(place)
    text = read_text(place, MOST_BYTES, _WHAT)
    if text.lstrip()[:1] in ("{", "["):
        return labels_of(_parse(text, place), str(place))
    lines = [line.strip() for line in split_lines(text) if line.strip() and not line.startswith("#")]
    if not lines:
        raise FormatError(f"{place}: lists no class; write a line for each, in the order of the scores")
    return [_label(line) for line in _ordered(lines)]


def labels_of(given: object, source: str = "labels", *, within: bool = False) -> list[Label]:
    """The classes in a list of names or a dict, in one of the forms above.

    source: what errors call them.
    within: whether this was found in a larger dict.
    Raises FormatError for numbers that don't count the units, and for what is no name.
    """
    if isinstance(given, Mapping):
        inner = next((given[name] for name in _INNER if isinstance(given.get(name), Mapping | list | tuple)), None)
        if inner is not None and not within:
            return labels_of(inner, source, within=True)
        given = _by_number(given, source)
    given = given.tolist() if hasattr(given, "tolist") else given  # an array, or a column of a table
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise FormatError(f"{source}: {shortened(repr(given))} is no list of names, and no dict of names by number")
    if not given:
        raise FormatError(f"{source}: lists no class")
    return [_named(name, f"{source}, class {number}") for number, name in enumerate(given)]


def _by_number(given: Mapping[Any, Any], source: str) -> list[Any]:
    """The names of a dict, number → name or name → number, in the order of the numbers."""
    numbers = [_number(key) for key in given]
    names = list(given.values())
    if None in numbers:
        numbers, names = [_number(value) for value in given.values()], list(given)
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        raise FormatError(
            f"{source}: neither the keys nor the values of the dict are all numbers of units, as {{0: 'tench', …}}"
        )
    if not _count_units(known):
        there = set(known)
        lacking = next((number for number in range(len(known)) if number not in there), None)
        raise FormatError(
            f"{source}: the numbers of {len(known)} classes must be 0 to {len(known) - 1}, each once, and {lacking} is "
            "missing"
        )
    return [name for _, name in sorted(zip(known, names, strict=True), key=lambda pair: pair[0])]


def _count_units(numbers: Sequence[int]) -> bool:
    """Whether these are 0 to n-1, or 1 to n, each once."""
    return sorted(numbers) in (list(range(len(numbers))), list(range(1, len(numbers) + 1)))


def _number(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch("[0-9]{1,7}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _named(value: object, where: str) -> Label:
    """A class by its name, or by its names, perhaps after a WordNet id."""
    if isinstance(value, list | tuple) and value and all(isinstance(name, str) and name.strip() for name in value):
        key, *names = value
        if WORDNET_ID.fullmatch(key) and names:
            return Label(key, tuple(name.replace("_", " ") for name in names))
        return Label(", ".join(value), tuple(value))
    if not isinstance(value, str) or not value.strip():
        raise FormatError(f"{where}: {shortened(repr(value))} is not a name; give text")
    return _label(value.strip())


def _label(line: str) -> Label:
    """The class of a line; of a WordNet id alone ImageNet's names, where it is one of its classes."""
    if WORDNET_ID.fullmatch(line):
        return _imagenet().get(line, Label(line, (line,)))
    return parse_label(line, WORDNET_ID)


@functools.lru_cache(maxsize=1)
def _imagenet() -> Mapping[str, Label]:
    """ImageNet's classes by their WordNet ids."""
    return {label.key: label for label in read_labels("imagenet1000")}


def _ordered(lines: list[str]) -> list[str]:
    """The names of lines that are all numbered, in the order of the numbers; else the lines as they are."""
    for rows in (lines, lines[1:] if re.search("[,;\t]", lines[0]) else []):  # the first may be headings
        for numbered in (_number_before, _number_behind):
            pairs = [pair for pair in map(numbered, rows) if pair is not None]
            distinct = numbered is _number_before or len({name for _, name in pairs}) == len(pairs)  # not `class 0`, …
            if len(pairs) == len(rows) > 1 and distinct and _count_units([number for number, _ in pairs]):
                return [_unquoted(name) for _, name in sorted(pairs)]
    return [_unquoted(line) for line in lines]


def _number_before(line: str) -> tuple[int, str] | None:
    """The number that a line begins with, and the name behind it; None where it has no such."""
    rest = line.lstrip(_DIGITS)
    digits, name = line[: len(line) - len(rest)], rest.lstrip()
    name = name[1:].lstrip() if name[:1] in tuple(_SEPARATORS) else name
    fits = 0 < len(digits) <= _MOST_DIGITS and rest[:1] in tuple(_SEPARATORS) and name != ""
    return (int(digits), name) if fits else None


def _number_behind(line: str) -> tuple[int, str] | None:
    """The number that a line ends with, and the name before it; None where it has no such."""
    rest = line.rstrip(_DIGITS)
    digits, name = line[len(rest) :], rest.rstrip()
    name = name[:-1].rstrip() if name[-1:] in tuple(_SEPARATORS) else name
    fits = 0 < len(digits) <= _MOST_DIGITS and rest[-1:] in tuple(_SEPARATORS) and name != ""
    return (int(digits), name) if fits else None


def _unquoted(text: str) -> str:
    whole = len(text) > 2 and text[0] == text[-1] == '"' and '"' not in text[1:-1]
    return text[1:-1].strip() if whole else text


def _parse(text: str, path: Path) -> Any:
    """JSON, or what Python prints of a dict or list; nothing in it is run."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if len(text) > _MOST_LITERAL:
        raise FormatError(f"{path}: not JSON, and too long for a dict of Python (at most {_MOST_LITERAL} letters)")
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise FormatError(f"{path}: neither JSON nor a dict or list of Python ({shortened(str(error))})") from None


def _folders(path: Path) -> list[Label]:
    """A class for each folder in a folder, in the order of their names."""
    try:
        names = sorted(entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise DgnamError(f"{path}: can't be read ({error.strerror})") from None
    if not names:
        raise FormatError(f"{path}: holds no folder, and classes are the folders in it")
    return [_label(name) if WORDNET_ID.fullmatch(name) else Label(name, (name,)) for name in names]
