"""Methods and attributes by the names of Python 2, looked up where translated code reads them."""

from __future__ import annotations

import functools
from collections.abc import Callable, ItemsView, Iterator, KeysView, ValuesView
from typing import Any

import numpy as np

from .operators import compare, shown

_HEX = ("hex", "hex_codec")


def method(value: Any, name: str) -> Any:
    """`value.name`: its own attribute, or what stands for it; AttributeError where there is neither."""
    if name in _OVERRIDES:
        kinds, function = _OVERRIDES[name]
        if isinstance(value, kinds) and not isinstance(value, type):
            return functools.partial(function, value)
    try:
        own = getattr(value, name)
        return _listing(own) if name in _DICT_VIEWS and callable(own) and not isinstance(value, type) else own
    except AttributeError:
        stand_in = _MISSING.get(name)
        found = None if stand_in is None else stand_in(value)
        if found is None:
            raise
        return found


def listed(view: Any) -> Any:
    """A view of a mapping as a list."""
    return list(view) if isinstance(view, KeysView | ValuesView | ItemsView) else view


def sort(values: list[Any], cmp: Any = None, key: Any = None, reverse: bool = False) -> None:
    """`list.sort`, with a function that compares; values of any types."""
    if cmp is not None:
        ordered = functools.cmp_to_key(cmp)
        values.sort(key=ordered if key is None else lambda value: ordered(key(value)), reverse=reverse)
        return
    kept = list(values)
    try:
        values.sort(key=key, reverse=reverse)
    except TypeError:
        values[:] = kept
        sort(values, compare, key, reverse)


def _listing(view: Callable[..., Any]) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        return listed(view(*given, **named))

    return call


def _decode(value: str, encoding: str = "ascii", errors: str = "strict") -> Any:
    if encoding in _HEX:
        return bytes.fromhex(value)
    if encoding in ("string_escape", "string-escape"):
        return value.encode("utf-8", "surrogateescape").decode("unicode_escape")
    return value.encode("utf-8", "surrogateescape").decode("utf-8" if encoding == "ascii" else encoding, errors)


def _encode(value: Any, encoding: str = "ascii", errors: str = "strict") -> Any:
    if encoding in _HEX:
        return (value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")).hex()
    return value if isinstance(value, bytes) else value.encode("utf-8" if encoding == "ascii" else encoding, errors)


def _format(form: str, /, *values: Any, **named: Any) -> str:
    return form.format(*(shown(value) for value in values), **{name: shown(value) for name, value in named.items()})


def _translate(value: str, table: Any, deleted: str = "") -> str:
    kept = "".join(letter for letter in value if letter not in deleted)
    return kept if table is None else kept.translate(table)


_DICT_VIEWS = ("keys", "values", "items")


def _mapping(name: str, of: str) -> Callable[[Any], Any]:
    """What stands for iterkeys, viewitems, … of `value`."""

    def stand_in(value: Any) -> Any:
        own = getattr(value, of, None)
        if own is None:
            return None
        return (lambda: iter(own())) if name.startswith("iter") else own

    return stand_in


def _has_key(value: Any) -> Any:
    return value.__contains__ if hasattr(value, "__contains__") else None


def _next(value: Any) -> Any:
    return value.__next__ if isinstance(value, Iterator) else None


def _renamed(name: str) -> Callable[[Any], Any]:
    return lambda value: getattr(value, name, None)


def _message(value: Any) -> Any:
    if not isinstance(value, BaseException):
        return None
    return value.args[0] if len(value.args) == 1 else ""


_OVERRIDES: dict[str, tuple[Any, Callable[..., Any]]] = {
    "sort": (list, sort),
    "decode": (str, _decode),
    "encode": ((str, bytes), _encode),
    "format": (str, _format),
    "translate": (str, _translate),
}
"""By name: the types whose method is replaced, and the function."""

_MISSING: dict[str, Callable[[Any], Any]] = {
    **{f"{how}{name}": _mapping(how, name) for how in ("iter", "view") for name in _DICT_VIEWS},
    "has_key": _has_key,
    "next": _next,
    "message": _message,
    "func_name": _renamed("__name__"),
    "func_code": _renamed("__code__"),
    "func_defaults": _renamed("__defaults__"),
    "func_globals": _renamed("__globals__"),
    "func_doc": _renamed("__doc__"),
    "func_dict": _renamed("__dict__"),
    "func_closure": _renamed("__closure__"),
    "im_func": _renamed("__func__"),
    "im_self": _renamed("__self__"),
    "im_class": lambda value: type(value.__self__) if hasattr(value, "__self__") else None,
    "tostring": _renamed("tobytes"),
    "fromstring": _renamed("frombytes"),
    "itemset": lambda value: (lambda *given: _itemset(value, *given)) if isinstance(value, np.ndarray) else None,
    "xreadlines": lambda value: (lambda: value) if hasattr(value, "readline") else None,
}
"""By name: what gives the value of an attribute that is missing; None where it has none."""


def _itemset(array: np.ndarray, *given: Any) -> None:
    *index, value = given
    if len(index) == 1 and isinstance(index[0], int):
        array.flat[index[0]] = value
    else:
        array[tuple(index[0]) if len(index) == 1 else tuple(index)] = value


METHODS = frozenset((*_DICT_VIEWS, *_OVERRIDES, *_MISSING))
"""The names that `method` has to look up."""
