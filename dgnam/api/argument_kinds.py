"""Whether the arguments of `visualize` are of a kind that it takes, found before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import Any, SupportsIndex

from ..am import Bounds
from ..errors import ArgumentError

Kind = tuple[Callable[[Any], bool], str]
"""What a value must fulfil, and that in words."""


def _text_or(*others: type, attribute: str | None = None) -> Callable[[Any], bool]:
    return lambda value: (
        value is None or isinstance(value, (str, *others)) or (attribute is not None and hasattr(value, attribute))
    )


_NUMBER: Kind = (lambda value: isinstance(value, SupportsIndex), "a whole number")

KINDS: Mapping[str, Kind] = {
    "device": (lambda value: isinstance(value, str), "cpu or cuda"),
    "folder": (_text_or(PathLike), "a path, or None"),
    "batch_size": _NUMBER,
    "generations": _NUMBER,
    "clip": (_text_or(Bounds), "Bounds, or the name of some"),
    "start": (_text_or(attribute="codes"), "a Start, or its text"),
    "labels": (_text_or(PathLike, Iterable), "a file of classes, or a list of them"),
    "method": (lambda value: isinstance(value, str) or hasattr(value, "begin"), "a method, or the name of one"),
}


def check_kinds(**given: Any) -> None:
    """Raise ArgumentError for the first argument that isn't of its kind of `KINDS`."""
    for name, value in given.items():
        fits, what = KINDS[name]
        if not fits(value):
            raise ArgumentError(f"{name} {value!r}: give {what}")
