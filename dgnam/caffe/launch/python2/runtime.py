"""What translated code calls, by the name `__python2__`: operators, statements and special methods of Python 2."""

from __future__ import annotations

import builtins
import contextlib
import functools
import io
import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any

from . import files
from .byte_strings import Bytes, result
from .items import Stored, assign_item, contains, item, items, stored
from .methods import method
from .operators import (
    Ordered,
    add,
    converted,
    divide,
    floor_divide,
    greater,
    greater_equal,
    in_place_add,
    in_place_divide,
    in_place_floor_divide,
    in_place_modulo,
    in_place_multiply,
    in_place_power,
    in_place_subtract,
    in_place_true_divide,
    is_none,
    is_not_none,
    is_not_text,
    is_text,
    less,
    less_equal,
    modulo,
    multiply,
    power,
    representation,
    shown,
    subtract,
    true_divide,
)
from .standard_error import caught

__all__ = [
    "Bytes",
    "Ordered",
    "StopIteration",
    "Stored",
    "add",
    "arguments",
    "assign_item",
    "caught",
    "contains",
    "converted",
    "divide",
    "floor_divide",
    "flush_line",
    "generated",
    "greater",
    "greater_equal",
    "in_place_add",
    "in_place_divide",
    "in_place_floor_divide",
    "in_place_modulo",
    "in_place_multiply",
    "in_place_power",
    "in_place_subtract",
    "in_place_true_divide",
    "is_none",
    "is_not_none",
    "is_not_text",
    "is_text",
    "item",
    "items",
    "less",
    "less_equal",
    "method",
    "modulo",
    "multiply",
    "power",
    "printer",
    "raised",
    "representation",
    "result",
    "slice",
    "special_methods",
    "stored",
    "subtract",
    "true_divide",
]

slice = builtins.slice
StopIteration = builtins.StopIteration


_SOFT_SPACE = "softspace"


class Printer:
    """`print` into a file: a space before each item but the first of a line."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def item(self, value: Any) -> Printer:
        text = str(shown(value))
        files.write(self.file, f" {text}" if getattr(self.file, _SOFT_SPACE, False) else text)
        return self._pending(not text[-1:].isspace() or text[-1:] == " ")

    def end(self) -> Printer:
        """End the line, as a `print` without a comma behind does."""
        files.write(self.file, "\n")
        return self._pending(False)

    def _pending(self, pending: bool) -> Printer:
        with contextlib.suppress(AttributeError):
            setattr(self.file, _SOFT_SPACE, pending)
        return self


def printer(file: Any = None) -> Printer:
    """What prints into a file, by default the standard output."""
    file = sys.stdout if file is None else file
    return Printer(io.StringIO() if file is None else file)


def flush_line() -> None:
    """End the line that a `print` with a comma began, as Python 2 does when it ends."""
    if getattr(sys.stdout, _SOFT_SPACE, False):
        printer().end()


def generated(expression: Iterator[Any]) -> Iterator[Any]:
    """A generator expression that a StopIteration within ends."""
    try:
        yield from expression
    except RuntimeError as error:
        if not isinstance(error.__cause__, StopIteration):
            raise


def raised(kind: Any, value: Any = None, trace: Any = None) -> BaseException:
    """What `raise kind, value, trace` raises."""
    if not isinstance(kind, type):
        error = kind
    elif isinstance(value, kind):
        error = value
    else:
        error = kind(*(value if isinstance(value, tuple) else () if value is None else (value,)))
    return error if trace is None else error.with_traceback(trace)


def arguments(error: BaseException) -> tuple[Any, ...]:
    """What `except Error, (a, b)` unpacks."""
    return (error.errno, error.strerror) if isinstance(error, OSError) and len(error.args) >= 2 else error.args


_OTHER_NAMES = {
    "__div__": "__truediv__",
    "__rdiv__": "__rtruediv__",
    "__idiv__": "__itruediv__",
    "__nonzero__": "__bool__",
    "next": "__next__",
    "__unicode__": "__str__",
    "__long__": "__int__",
}
_HOLDS: dict[str, Callable[[int, int], bool]] = {
    "__lt__": operator.lt,
    "__le__": operator.le,
    "__gt__": operator.gt,
    "__ge__": operator.ge,
    "__eq__": operator.eq,
    "__ne__": operator.ne,
}


def special_methods(kind: Any) -> Any:
    """A class with the special methods that Python 3 calls by another name."""
    own = vars(kind)
    for old, new in _OTHER_NAMES.items():
        if old in own and new not in own:
            setattr(kind, new, own[old])
    if "__eq__" in own and "__cmp__" not in own and kind.__ne__ is object.__ne__:
        kind.__ne__ = lambda self, other: self is not other
    if own.get("__hash__", True) is None:
        kind.__hash__ = next(vars(base)["__hash__"] for base in kind.__mro__[1:] if vars(base).get("__hash__"))
    if "__cmp__" in own:
        _compare_by(kind, own["__cmp__"])
    for name, by in (("__getslice__", "__getitem__"), ("__setslice__", "__setitem__"), ("__delslice__", "__delitem__")):
        if name in own:
            _slice_by(kind, own[name], by)
    return kind


def _compare_by(kind: Any, cmp: Any) -> None:
    for name, holds in _HOLDS.items():
        if name not in vars(kind):
            setattr(kind, name, lambda self, other, holds=holds: holds(cmp(self, other), 0))
    if "__hash__" not in vars(kind):
        kind.__hash__ = object.__hash__


def _slice_by(kind: Any, function: Any, name: str) -> None:
    whole = getattr(kind, name, None)

    @functools.wraps(function)
    def get(self: Any, index: Any, *value: Any) -> Any:
        if isinstance(index, builtins.slice) and index.step is None:
            start = 0 if index.start is None else index.start
            stop = sys.maxsize if index.stop is None else index.stop
            length = len(self) if hasattr(self, "__len__") and min(start, stop) < 0 else 0
            return function(self, start + length * (start < 0), stop + length * (stop < 0), *value)
        if whole is None:
            raise TypeError(f"{kind.__name__} takes slices only")
        return whole(self, index, *value)

    setattr(kind, name, get)
