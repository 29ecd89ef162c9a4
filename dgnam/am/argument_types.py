"""Whether a function's arguments are of the types that its signature names, found before anything is loaded.

They may come from a run's record, which anyone can have written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, wraps
from inspect import signature
from types import NoneType, UnionType
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from ..errors import ArgumentError

_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    NoneType: "None",
    os.PathLike: "a path",
}


Given = ParamSpec("Given")
Found = TypeVar("Found")
Kind = TypeVar("Kind")

OPENED = ("target", "objective", "prior")
"""Arguments that are looked at by what opens them, which says more."""


def check_types(function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Raise ArgumentError for the first argument of `function` in `given` that is not of its type."""
    for name, hint in _hints(function).items():
        if name in given and name not in OPENED and not _fits(given[name], hint):
            raise ArgumentError(f"{name} {given[name]!r}: give {_words(hint)}")


def checked(function: Callable[Given, Found]) -> Callable[Given, Found]:
    """A function, or an `__init__`, whose arguments are checked before anything else is done."""
    parameters = signature(function)

    @wraps(function)
    def call(*args: Given.args, **options: Given.kwargs) -> Found:
        try:
            given = parameters.bind(*args, **options).arguments
        except TypeError:
            given = {}  # the call itself says what is missing or too much
        check_types(function, given)
        return function(*args, **options)

    return call


def checked_fields(kind: type[Kind]) -> type[Kind]:
    """A dataclass whose fields are checked when it is made."""
    kind.__init__ = checked(kind.__init__)  # type: ignore[method-assign]
    return kind


@lru_cache(maxsize=64)
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    return {name: hint for name, hint in get_type_hints(function).items() if name != "return"}


def _fits(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if hint is Any or hint is object:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in get_args(hint))
    if origin is Sequence:
        return _is_list(value) and all(_fits(item, get_args(hint)[0]) for item in _listed(value))
    if origin is tuple:
        return _is_list(value) and _fits_items(list(_listed(value)), get_args(hint))
    if origin is not None:
        return callable(value) if origin is Callable else isinstance(value, origin)
    if hint is bool or isinstance(value, bool):
        return hint is bool and isinstance(value, bool)
    if hint is int:
        return isinstance(value, int | np.integer)
    if hint is float:
        return isinstance(value, int | float | np.number)
    if getattr(hint, "_is_protocol", False):
        called = "__call__" not in vars(hint) or callable(value)
        return called and not isinstance(value, str) and all(hasattr(value, name) for name in _members(hint))
    return isinstance(value, hint)


def _fits_items(values: list[Any], hints: tuple[Any, ...]) -> bool:
    """Whether values are those of a tuple[int, int] or of a tuple[int, ...]."""
    if hints[-1:] == (Ellipsis,):
        return all(_fits(value, hints[0]) for value in values)
    return len(values) == len(hints) and all(map(_fits, values, hints))


def _is_list(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _listed(value: Any) -> Iterable[Any]:
    """The items to be looked at: of an array the first, and of what can be gone through once alone none."""
    if isinstance(value, np.ndarray):
        return value.ravel()[:1].tolist()
    return value if isinstance(value, Sequence | set | frozenset) else ()


def _members(protocol: Any) -> list[str]:
    """What a value of a protocol has."""
    names = {name for name in vars(protocol) if not name.startswith("_")}
    return sorted(names | set(getattr(protocol, "__annotations__", ())))


def _words(hint: Any) -> str:
    """A type in words: "text, a path or None"."""
    parts = [_word(one) for one in (get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,))]
    parts = list(dict.fromkeys(parts))
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def _word(hint: Any) -> str:
    origin = get_origin(hint)
    if origin is Sequence:
        inner = get_args(hint)[0]
        return "a list" if inner is Any else f"a list of {_words(inner).removeprefix('a ')}"
    if origin is tuple:
        return f"{len(get_args(hint))} of: {_words(get_args(hint)[0])}" if Ellipsis not in get_args(hint) else "a list"
    if origin is Callable:
        return "a callable"
    if origin is Mapping:
        return "a dict"
    found = hint if origin is None else origin
    if found in _WORDS:
        return _WORDS[found]
    name = getattr(found, "__name__", str(found))
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
