"""Byte strings: bytes that have the methods, the equality and the hash of the text beside them.

In Python 2 a text was bytes.  Here a text is a `str`, in UTF-8 with other bytes kept as surrogates; `Bytes` is what
binary files, sockets, encoders and literals with escapes from `\\x80` on give.  One is equal to its text, is found
where that is a key, and takes texts for bytes in its methods.  Added to ASCII it stays bytes, beside other texts it is
decoded.  Bytes that translated code gets from elsewhere become such by `result`.
"""

from __future__ import annotations

import codecs
import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any

ENCODING: dict[str, Any] = {"encoding": "utf-8", "errors": "surrogateescape"}

_OTHER = ("decode", "fromhex", "hex", "maketrans")
"""Methods of bytes that stay as they are."""


def encoded(value: Any) -> Any:
    """The bytes of a text; of a tuple of texts, a tuple; else the value itself."""
    if isinstance(value, str):
        return value.encode(**ENCODING)
    return tuple(encoded(one) for one in value) if type(value) is tuple else value


def decoded(value: Any) -> Any:
    """The text of bytes; of a tuple of bytes, a tuple; else the value itself."""
    if isinstance(value, bytes):
        return value.decode(**ENCODING)
    return tuple(decoded(one) for one in value) if type(value) is tuple else value


def result(value: Any) -> Any:
    """What a call returned, its bytes as `Bytes`; those in a list, in place."""
    kind = type(value)
    if kind is bytes:
        return Bytes(value)
    if kind is list and value and type(value[0]) is bytes:
        value[:] = map(result, value)
    elif kind is tuple and any(type(one) is bytes for one in value):
        return tuple(map(result, value))
    return value


def native(data: bytes) -> Any:
    """Encoded text: a text if it is ASCII."""
    return data.decode("ascii") if data.isascii() else Bytes(data)


def alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Bytes and a text as two of one type."""
    text = a if isinstance(a, str) else b
    return (Bytes(encoded(a)), Bytes(encoded(b))) if text.isascii() else (decoded(a), decoded(b))


class Bytes(bytes):
    """A byte string."""

    def __repr__(self) -> str:
        return bytes.__repr__(self)[1:]

    def __str__(self) -> str:
        return str(decoded(bytes(self)))

    def __format__(self, form: str) -> str:
        return format(str(self), form)

    def __hash__(self) -> int:
        return hash(str(self))

    def __getitem__(self, index: Any) -> Any:
        return Bytes(bytes.__getitem__(self, index if isinstance(index, slice) else _single(index, len(self))))

    def __iter__(self) -> Iterator[Any]:
        return (Bytes((code,)) for code in bytes.__iter__(self))

    def __contains__(self, part: Any) -> bool:
        return bytes.__contains__(self, encoded(part))

    def __add__(self, other: Any) -> Any:
        if isinstance(other, str):
            return operator.add(*alike(self, other))
        return Bytes(bytes.__add__(self, other))

    def __radd__(self, other: Any) -> Any:
        return operator.add(*alike(other, self)) if isinstance(other, str) else Bytes(other + bytes(self))

    def __mul__(self, times: Any) -> Any:
        return Bytes(bytes.__mul__(self, times))

    __rmul__ = __mul__

    def __mod__(self, values: Any) -> Any:
        return Bytes(encoded(str(self) % decoded(values)))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return codecs.encode, (self.decode("latin-1"), "latin1")  # as Python pickles bytes for Python 2

    def __copy__(self) -> Bytes:
        return self

    def __deepcopy__(self, memo: Any) -> Bytes:
        return self

    def format(self, *values: Any, **named: Any) -> str:
        return str(self).format(*values, **named)

    def join(self, parts: Any) -> Any:
        return joined(self, parts)


def _single(index: Any, length: int) -> slice:
    place = operator.index(index)
    place += length if place < 0 else 0
    if not 0 <= place < length:
        raise IndexError("string index out of range")
    return slice(place, place + 1)


def joined(separator: Any, parts: Any) -> Any:
    """`separator.join(parts)`: bytes where there are any and all texts are ASCII."""
    parts = list(parts)
    every = (separator, *parts)
    if not any(isinstance(one, bytes) for one in every):
        return str.join(separator, parts)
    if all(isinstance(one, bytes) or (isinstance(one, str) and one.isascii()) for one in every):
        return Bytes(bytes.join(encoded(separator), [encoded(one) for one in parts]))
    return str.join(decoded(separator), [decoded(one) for one in parts])


def _with_texts(function: Any) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(self: Any, *given: Any, **named: Any) -> Any:
        return result(function(self, *map(encoded, given), **named))

    return call


def _compared(function: Any) -> Callable[..., Any]:
    return lambda self, other: function(self, encoded(other) if isinstance(other, str) else other)


for _name in dir(bytes):
    if not _name.startswith("_") and _name not in (*_OTHER, *vars(Bytes)):
        setattr(Bytes, _name, _with_texts(getattr(bytes, _name)))
for _name in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
    setattr(Bytes, _name, _compared(getattr(bytes, _name)))
