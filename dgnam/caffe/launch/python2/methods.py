"""Methods and attributes by the names of Python 2, looked up where translated code reads them."""

from __future__ import annotations

import codecs
import functools
import html
import math
import socket
import string
import sys
from collections.abc import Callable, ItemsView, Iterator, KeysView, ValuesView
from html.parser import HTMLParser
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from . import casts, files, pillow, sizes
from .byte_strings import Bytes, decoded, encoded, joined, native, result
from .items import cut
from .operators import Number, compare, representation, shown, text

_ABSENT = object()
_OF_TEXTS = frozenset(("decode", *(name for name in dir(str) if not name.startswith("_"))))


def method(value: Any, name: str) -> Any:
    """`value.name`: its own attribute, or what stands for it; AttributeError where there is neither."""
    if type(value) is bytes:
        value = Bytes(value)
    if name in _OVERRIDES:
        kinds, function = _OVERRIDES[name]
        if kinds(value) if isinstance(kinds, FunctionType) else isinstance(value, kinds):
            return functools.partial(function, value)
    if name in _OF_TEXTS:
        if isinstance(value, type) and value == str:  # noqa: E721 (`unicode` is equal to it)
            return functools.partial(of_any_text, name)
        if isinstance(value, str):
            return functools.partial(_of_text, value, name)
    if isinstance(value, dict) and name in _MISSING and not hasattr(type(value), name):
        return _MISSING[name](value)  # a __getattr__ of its own may take any name for a key
    own: Any = getattr(value, name, _ABSENT)
    if own is _ABSENT:
        stand_in = _MISSING.get(name)
        found = None if stand_in is None else stand_in(value)
        return getattr(value, name) if found is None else found
    if value is dict and name in _DICT_VIEWS:
        return lambda one: listed(own(one))
    return _listing(own) if name in _DICT_VIEWS and callable(own) and not isinstance(value, type) else own


def of_any_text(name: str, value: Any, /, *given: Any, **named: Any) -> Any:
    """`str.name(value, …)`."""
    return method(value, name)(*given, **named)


def _of_text(value: str, name: str, /, *given: Any, **named: Any) -> Any:
    """`value.name(…)` of a text, which may be given bytes."""
    if name == "join" and type(value).join is str.join:
        return joined(value, *given)
    return getattr(value, name)(*map(decoded, given), **named)


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


def _decode(value: Any, encoding: str = "ascii", errors: str = "strict") -> Any:
    data = encoded(value)
    if encoding in ("string_escape", "string-escape"):
        return data.decode("unicode_escape")
    if not codecs.lookup(encoding)._is_text_encoding:
        return result(codecs.decode(data, encoding))
    return bytes(data).decode("utf-8" if encoding == "ascii" else encoding, errors)


def _encode(value: Any, encoding: str = "ascii", errors: str = "strict") -> Any:
    if not codecs.lookup(encoding)._is_text_encoding:
        return native(codecs.encode(encoded(value), encoding))
    if isinstance(value, bytes):
        return value
    strictly = encoding != "ascii" or errors != "strict"
    return native(value.encode(encoding, errors) if strictly else encoded(value))


def format_value(value: Any, form: str = "") -> str:
    """`format(value, form)`: what has no forms of its own is formatted as its text."""
    value = Number(value) if isinstance(value, np.floating) else shown(value)
    own: Any = type(value).__format__
    plain = value.ndim > 0 if isinstance(value, np.ndarray) else own is object.__format__
    return format(text(value) if form and plain else value, form)


class _Formatter(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return format_value(value, format_spec)

    def convert_field(self, value: Any, conversion: Any) -> Any:
        convert = {"s": text, "r": representation}.get(conversion)
        return value if convert is None else convert(value)


def _format(form: str, /, *values: Any, **named: Any) -> str:
    return _Formatter().vformat(form, values, named)


def _translate(value: str, table: Any, deleted: Any = "") -> Any:
    if isinstance(table, bytes):
        return native(encoded(value).translate(table, encoded(deleted)))
    kept = "".join(letter for letter in value if letter not in deleted)
    return kept if table is None else kept.translate(table)


_DICT_VIEWS = ("keys", "values", "items")


def _mapping(name: str, of: str) -> Callable[[Any], Any]:
    """What stands for iterkeys, viewitems, … of `value`."""

    def stand_in(value: Any) -> Any:
        own = getattr(value, of, None)
        if own is None:
            return None
        if isinstance(value, type):
            return lambda one: iter(own(one)) if name.startswith("iter") else own(one)
        return (lambda: iter(own())) if name.startswith("iter") else own

    return stand_in


def _has_key(value: Any) -> Any:
    return value.__contains__ if hasattr(value, "__contains__") else None


def _next(value: Any) -> Any:
    return value.__next__ if isinstance(value, Iterator) else None


def _renamed(name: str) -> Callable[[Any], Any]:
    return lambda value: getattr(value, name, None)


def _is_resizable(value: Any) -> bool:
    return isinstance(value, np.ndarray) or pillow.is_picture(value)


def _resize(value: Any, *given: Any, **named: Any) -> Any:
    return (pillow.resize if pillow.is_picture(value) else sizes.method("resize"))(value, *given, **named)


def _message(value: Any) -> Any:
    if not isinstance(value, BaseException):
        return None
    return value.args[0] if len(value.args) == 1 else ""


def _handled(place: int) -> Callable[[Any], Any]:
    """What stands for `sys.exc_type`, …"""
    return lambda value: sys.exc_info()[place] if getattr(value, "__name__", "") == "sys" else None


_DRAWN = {"axisbg": "facecolor", "normed": "density"}
_DRAWN_BY = {"bar": {"left": "x"}, "grid": {"b": "visible"}}
DRAWS = ("bar", "grid", "hist", "scatter", "subplot", "tick_params")
"""Functions of pyplot, and methods of its axes, that had other options."""
_COLORS = frozenset(("edgecolor", "edgecolors", "facecolor", "facecolors"))
"""Options of `scatter` that were no color where they were an empty text."""
_SWITCHES = {"on": True, "off": False}


def _is_drawn(value: Any) -> bool:
    return (value.__name__ if isinstance(value, ModuleType) else type(value).__module__).startswith("matplotlib.")


def drawn(name: str, owner: Any, /, *given: Any, **named: Any) -> Any:
    """`owner.name(…)` of matplotlib with its old options."""
    new = {**_DRAWN, **_DRAWN_BY.get(name, {})}
    named = {new.get(option, option): value for option, value in named.items()}
    if name == "scatter":
        named = {
            option: "none" if option in _COLORS and isinstance(value, str) and not value else value
            for option, value in named.items()
        }
    elif name.endswith("subplot"):
        given = tuple(map(cut, given))
    elif name == "tick_params":
        named = {
            option: _SWITCHES.get(value, value) if isinstance(value, str) else value for option, value in named.items()
        }
    return getattr(owner, name)(*given, **named)


_TEST_METHODS = {
    "assertEquals": "assertEqual",
    "assertItemsEqual": "assertCountEqual",
    "assertNotEquals": "assertNotEqual",
    "assertAlmostEquals": "assertAlmostEqual",
    "assertNotAlmostEquals": "assertNotAlmostEqual",
    "assertRegexpMatches": "assertRegex",
    "assertNotRegexpMatches": "assertNotRegex",
    "assertRaisesRegexp": "assertRaisesRegex",
    "assert_": "assertTrue",
    "failIf": "assertFalse",
    "failIfEqual": "assertNotEqual",
    "failUnless": "assertTrue",
    "failUnlessAlmostEqual": "assertAlmostEqual",
    "failUnlessEqual": "assertEqual",
    "failUnlessRaises": "assertRaises",
}

_OVERRIDES: dict[str, tuple[Any, Callable[..., Any]]] = {
    "sort": (list, sort),
    "decode": ((str, bytes), _decode),
    "encode": ((str, bytes), _encode),
    "fill": (np.ndarray, casts.fill),
    "format": (str, _format),
    "put": (np.ndarray, casts.putting(np.put, "v")),
    "send": (socket.socket, lambda one, data, *flags: one.send(encoded(data), *flags)),
    "sendall": (socket.socket, lambda one, data, *flags: one.sendall(encoded(data), *flags)),
    "sendto": (socket.socket, lambda one, data, *to: one.sendto(encoded(data), *to)),
    "translate": (str, _translate),
    "write": (files.FILES, files.write),
    **{name: (np.random.RandomState, functools.partial(sizes.draw, name)) for name in sizes.of_random()},
    **{name: (np.ndarray, sizes.method(name)) for name in ("repeat", "reshape")},
    **{name: (pillow.is_picture, function) for name, function in pillow.METHODS.items()},
    "resize": (_is_resizable, _resize),
    **{name: (_is_drawn, functools.partial(drawn, name)) for name in ("add_subplot", "axes", *DRAWS)},
    "writelines": (files.FILES, lambda file, lines: [files.write(file, line) for line in lines] and None),
}
"""By name: the types whose method is replaced, or a function that tells, and what stands for it."""

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
    "im_func": lambda value: getattr(value, "__func__", value if isinstance(value, FunctionType) else None),
    "im_self": _renamed("__self__"),
    "im_class": lambda value: type(value.__self__) if hasattr(value, "__self__") else None,
    "tostring": _renamed("tobytes"),
    "fromstring": lambda value: (lambda data: value.frombytes(encoded(data))) if hasattr(value, "frombytes") else None,
    "ptp": lambda value: functools.partial(np.ptp, value) if isinstance(value, np.ndarray) else None,
    "newbyteorder": lambda value: (
        (lambda order="S": value.view(value.dtype.newbyteorder(order))) if isinstance(value, np.ndarray) else None
    ),
    "itemset": lambda value: (lambda *given: _itemset(value, *given)) if isinstance(value, np.ndarray) else None,
    **{f"{how}_axis_bgcolor": _renamed(f"{how}_facecolor") for how in ("get", "set")},
    **{name: _renamed(new) for name, new in _TEST_METHODS.items()},
    **{f"exc_{part}": _handled(place) for place, part in enumerate(("type", "value", "traceback"))},
    "getsize": lambda value: (lambda text: _extent(value.getbbox(text))) if hasattr(value, "getbbox") else None,
    "textsize": lambda value: _textsize(value) if hasattr(value, "textbbox") else None,
    **{name: lambda value: (lambda on=True: True) if _is_drawn(value) else None for name in ("hold", "ishold")},
    "tostring_rgb": lambda value: (lambda: _rgb(value)) if hasattr(value, "buffer_rgba") else None,
    "getchildren": lambda value: (lambda: list(value)) if hasattr(value, "tag") else None,
    "getiterator": _renamed("iter"),
    "isAlive": _renamed("is_alive"),
    "set_window_title": lambda value: getattr(getattr(value, "manager", None), "set_window_title", None),
    "unescape": lambda value: html.unescape if isinstance(value, HTMLParser) else None,
    "value": lambda value: value[()] if type(value).__module__.startswith("h5py.") else None,
    "xreadlines": lambda value: (lambda: value) if hasattr(value, "readline") else None,
}
"""By name: what gives the value of an attribute that is missing; None where it has none."""


def _extent(box: tuple[float, ...]) -> tuple[int, ...]:
    """The width and height of a text of Pillow."""
    return tuple(map(math.ceil, box[2:]))


def _textsize(draw: Any) -> Callable[..., tuple[int, ...]]:
    return lambda text, font=None, *given, **named: _extent(draw.textbbox((0, 0), text, font, None, *given, **named))


def _rgb(canvas: Any) -> Bytes:
    return Bytes(np.asarray(canvas.buffer_rgba())[..., :3].tobytes())


def _itemset(array: np.ndarray, *given: Any) -> None:
    *index, value = given
    if len(index) == 1 and isinstance(index[0], int | np.integer):
        index = [np.unravel_index(range(array.size)[index[0]], array.shape)]
    casts.assign(array, tuple(index[0]) if len(index) == 1 else tuple(index), value)


def get_attribute(value: Any, name: str, *default: Any) -> Any:
    """`getattr`, also of names that only Python 2 has."""
    if name not in METHODS:
        return getattr(value, name, *default)
    try:
        return method(value, name)
    except AttributeError:
        if not default:
            raise
        return default[0]


def has_attribute(value: Any, name: str) -> bool:
    """`hasattr`, which takes any error for no."""
    try:
        get_attribute(value, name)
    except Exception:
        return False
    return True


METHODS = frozenset((*_OF_TEXTS, *_DICT_VIEWS, *_OVERRIDES, *_MISSING))
"""The names that `method` has to look up."""
