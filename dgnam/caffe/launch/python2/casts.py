"""NumPy's casts of whole numbers that do not fit a type: they wrap, where NumPy 2 raises an OverflowError."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

NAMES = frozenset(
    f"{sign}{kind}" for sign in ("", "u") for kind in ("byte", "short", "intc", "int8", "int16", "int32", "int64")
) | {"int_", "uint"}
"""The types of whole numbers."""


def whole_number(kind: Any, value: Any) -> Any:
    """`np.uint8(value)`, and those of other types."""
    try:
        return kind(value)
    except OverflowError:
        return _array_of(value).astype(kind)[()]


def assign(array: np.ndarray | np.flatiter[Any], index: Any, value: Any) -> None:
    """`array[index] = value`."""
    raised = (OverflowError, ValueError) if isinstance(array, np.flatiter) else OverflowError
    try:
        array[index] = value
    except raised:
        array[index] = _array_of(value)


def fitting(array: np.ndarray, value: Any) -> Any:
    """What an array takes for values, some of which may not fit its type."""
    try:
        np.asarray(value, array.dtype)
    except OverflowError:
        return _array_of(value).astype(array.dtype)
    return value


def fill(array: np.ndarray, value: Any) -> None:
    """`array.fill(value)`."""
    if array.dtype.kind == "O":
        array.fill(value)
    else:
        assign(array, ..., value)


def making(make: Callable[..., Any], place: int, name: str = "") -> Callable[..., Any]:
    """A function of NumPy that makes an array of the values given at `place` or by `name`, of a type that is named."""

    @functools.wraps(make)
    def made(*given: Any, **named: Any) -> Any:
        try:
            return make(*given, **named)
        except OverflowError:
            if name in named:
                return make(*given, **{**named, name: _array_of(named[name])})
            if len(given) <= place:
                raise
            return make(*given[:place], _array_of(given[place]), *given[place + 1 :], **named)

    return made


def putting(put: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A function of NumPy that puts values, the third argument or the one of a name, into an array, the first."""

    @functools.wraps(put)
    def made(array: np.ndarray, *given: Any, **named: Any) -> Any:
        named = {one: fitting(array, value) if one == name else value for one, value in named.items()}
        return put(array, *given[:1], *(fitting(array, value) for value in given[1:2]), *given[2:], **named)

    return made


def _array_of(value: Any) -> np.ndarray:
    """Numbers as an array of whole ones, whose casts wrap; OverflowError if 64 bits are too few for them."""
    array = np.asarray(value)
    if array.dtype.kind == "f" and (np.abs(array) < 2.0**63).all():
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise OverflowError("a whole number is too large to convert to C long")
    return array
