"""The builtins of Python 2."""

from __future__ import annotations

import builtins
import functools
import importlib
import math
import sys
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from . import files, operators
from .byte_strings import Bytes, encoded, joined
from .methods import format_value, get_attribute, has_attribute, sort
from .standard_error import StandardError

_MOST_DIGITS = 330
"""As many as a float may have before the point or zeros after it."""
_SURROGATES = 0xDC00


def round_half_up(number: Any, digits: int = 0) -> float:
    """`round`: a float, halves away from zero."""
    number = float(number)
    if not math.isfinite(number) or digits > _MOST_DIGITS:
        return number
    with localcontext() as context:
        context.prec = 2 * _MOST_DIGITS
        return float(Decimal(number).quantize(Decimal(1).scaleb(-digits, context), ROUND_HALF_UP, context))


def map_list(function: Any, *sequences: Iterable[Any]) -> list[Any]:
    """`map`: a list as long as the longest sequence; without a function, the items or tuples of them."""
    function = operators.text if function is str else function
    if len(sequences) == 1:
        return list(sequences[0]) if function is None else [function(item) for item in sequences[0]]
    lists = [list(sequence) for sequence in sequences]
    length = max(map(len, lists))
    rows = zip(*(one + [None] * (length - len(one)) for one in lists), strict=True)
    return list(rows) if function is None else [function(*row) for row in rows]


def filter_list(function: Any, sequence: Any) -> Any:
    """`filter`: of a text a text, of a tuple a tuple, else a list."""
    kept = list(builtins.filter(function, sequence))
    if isinstance(sequence, str | bytes):
        return joined("", kept)
    return tuple(kept) if isinstance(sequence, tuple) else kept


def zip_list(*sequences: Iterable[Any]) -> list[tuple[Any, ...]]:
    """`zip`."""
    return list(zip(*sequences, strict=False))


def range_list(*limits: Any) -> list[int]:
    """`range`, which takes whole floats too."""
    return list(xrange(*limits))


def xrange(*limits: Any) -> range:
    """`xrange`, which takes floats too and cuts them off."""
    return range(*(int(limit) if isinstance(limit, float) else limit for limit in limits))


def sorted_list(values: Iterable[Any], cmp: Any = None, key: Any = None, reverse: bool = False) -> list[Any]:
    """`sorted`, with a function that compares; values of any types."""
    kept = list(values)
    sort(kept, cmp, key, reverse)
    return kept


def _extreme(largest: bool) -> Callable[..., Any]:
    builtin: Any = builtins.max if largest else builtins.min

    def extreme(*values: Any, key: Any = None) -> Any:
        values = tuple(values[0]) if len(values) == 1 else values
        try:
            return builtin(values, key=key)
        except TypeError:
            order = functools.cmp_to_key(operators.compare)
            return builtin(values, key=lambda value: order(value if key is None else key(value)))

    return extreme


def total(values: Iterable[Any], start: Any = 0) -> Any:
    """`sum`, which goes on in a wider type than NumPy's small ones."""
    return functools.reduce(operators.add, values, start)


def ordinal(letter: Any) -> int:
    """`ord`; also of what iterating over bytes gives, and of a byte that was kept as a surrogate."""
    code = letter if isinstance(letter, int) else ord(letter)
    return code - _SURROGATES if _SURROGATES + 0x80 <= code <= _SURROGATES + 0xFF else code


def character(code: int) -> Any:
    """`chr`, a text in ASCII."""
    if not 0 <= code < 256:
        raise ValueError("chr() arg not in range(256)")
    return chr(code) if code < 128 else Bytes((code,))


def is_instance(value: Any, kind: Any) -> bool:
    """`isinstance`: byte strings are a `str`."""
    if isinstance(value, kind):
        return True
    return isinstance(value, bytes) and (kind is str or (isinstance(kind, tuple) and is_instance("", kind)))


class Buffer(Bytes):
    """`buffer`, a copy."""

    def __new__(cls, value: Any, offset: int = 0, size: int = -1) -> Buffer:
        data = memoryview(encoded(value)).tobytes()[offset:]
        return super().__new__(cls, data if size < 0 else data[:size])


class ByteArray(bytearray):
    """`bytearray`, also of texts."""

    def __init__(self, source: Any = b"", *more: Any) -> None:
        super().__init__(source if more else encoded(source), *more)


def octal(number: int) -> str:
    """`oct`: 010."""
    return f"{'-' if number < 0 else ''}0{abs(number):o}" if number else "0"


def apply(function: Callable[..., Any], given: Any = (), named: Any = None) -> Any:
    """`apply`."""
    return function(*given, **({} if named is None else named))


def coerce(a: Any, b: Any) -> tuple[Any, Any]:
    """`coerce`: two numbers of one type."""
    kind = next(kind for kind in (complex, float, int) if isinstance(a, kind) or isinstance(b, kind))
    return kind(a), kind(b)


def reload(module: Any) -> Any:
    """`reload`; of `sys`, which is reloaded for `setdefaultencoding` only, nothing."""
    name = module.__name__
    return module if name == "sys" else importlib.reload(sys.modules[name])


_SHOWN = {"BaseString": "basestring", "ByteString": "str", "Unicode": "unicode"}


class _TextKind(type):
    kinds: tuple[type, ...] = (str,)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.kinds)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.kinds)

    def __eq__(cls, other: object) -> bool:
        return other is cls or (cls.__name__ == "Unicode" and other is str)

    def __repr__(cls) -> str:
        return f"<type '{_SHOWN.get(cls.__name__, cls.__name__)}'>"

    def __hash__(cls) -> int:
        return hash(str) if cls.__name__ == "Unicode" else type.__hash__(cls)


class BaseString(metaclass=_TextKind):
    """`basestring`."""

    kinds = (str, bytes)


class ByteString(metaclass=_TextKind):
    """`bytes`, another name of `str`."""

    kinds = (str, bytes)

    def __new__(cls, value: Any = "") -> Any:
        return operators.text(value)


class Unicode(str, metaclass=_TextKind):
    """`unicode`: a text is one already."""

    kinds = (str,)

    def __new__(cls, value: Any = "", encoding: str = "utf-8", errors: str = "strict") -> Any:
        if isinstance(value, bytes | bytearray):
            return value.decode(encoding, errors)
        own = getattr(value, "__unicode__", None)
        return own() if own is not None else str(operators.shown(value))


NAMES: dict[str, Any] = {
    "apply": apply,
    "basestring": BaseString,
    "buffer": Buffer,
    "bytearray": ByteArray,
    "bytes": ByteString,
    "chr": character,
    "cmp": operators.compare,
    "coerce": coerce,
    "file": files.File,
    "filter": filter_list,
    "format": format_value,
    "getattr": get_attribute,
    "hasattr": has_attribute,
    "intern": sys.intern,
    "isinstance": is_instance,
    "long": int,
    "map": map_list,
    "max": _extreme(True),
    "min": _extreme(False),
    "oct": octal,
    "open": files.open_file,
    "ord": ordinal,
    "range": range_list,
    "raw_input": builtins.input,
    "reduce": functools.reduce,
    "reload": reload,
    "repr": operators.representation,
    "round": round_half_up,
    "sorted": sorted_list,
    "StandardError": StandardError,
    "sum": total,
    "unichr": chr,
    "unicode": Unicode,
    "xrange": xrange,
    "zip": zip_list,
}
"""By name; those that compile or import are in `importing`."""
