"""Operators and conversions as Python 2 and the NumPy of its time had them.

Between integers, and between arrays of integers, `/` floors.  Scalars: `np.float32(3) * 2.0` is a float64 and
`np.uint8(200) + 100` is 300, while an array keeps its type where the scalar fits in it.  Anything can be ordered:
None, then numbers, then the rest by the name of its type.  A float as text has twelve digits.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from . import casts, files
from .byte_strings import Bytes, alike, decoded, encoded, native, result

_Operator = Callable[[Any, Any], Any]
_ORDERED = (type(None), bool, int, float, str, bytes, list, tuple, dict, set, np.generic)


def divide(a: Any, b: Any) -> Any:
    """`a / b`."""
    a, b = (np.asarray(one) if isinstance(one, list | tuple) else one for one in promoted(a, b))
    if _of_integers(a) and _of_integers(b):
        return a // b
    if _of_objects(a) or _of_objects(b):
        return np.frompyfunc(divide, 2, 1)(a, b)
    return a / b


def in_place_divide(a: Any, b: Any) -> Any:
    """What `a /= b` assigns."""
    chosen = operator.ifloordiv if _of_integers(a) and _of_integers(b) else operator.itruediv
    return _in_place(chosen, divide)(a, b)


def _plain(operation: _Operator) -> _Operator:
    def operate(a: Any, b: Any) -> Any:
        return operation(*promoted(a, b))

    return operate


def _in_place(operation: _Operator, plain: _Operator) -> _Operator:
    def operate(a: Any, b: Any) -> Any:
        if not isinstance(a, np.ndarray):
            return plain(a, b) if isinstance(a, np.generic | int | float) else operation(a, b)
        wide, b = promoted(a, b)
        if wide is a or a.ndim == 0:
            return operation(a, b)
        np.copyto(a, plain(wide, b), casting="same_kind")
        return a

    return operate


add, in_place_add = _plain(operator.add), _in_place(operator.iadd, _plain(operator.add))
subtract, in_place_subtract = _plain(operator.sub), _in_place(operator.isub, _plain(operator.sub))
multiply, in_place_multiply = _plain(operator.mul), _in_place(operator.imul, _plain(operator.mul))
true_divide, in_place_true_divide = _plain(operator.truediv), _in_place(operator.itruediv, _plain(operator.truediv))
floor_divide = _plain(operator.floordiv)
in_place_floor_divide = _in_place(operator.ifloordiv, floor_divide)
power, in_place_power = _plain(operator.pow), _in_place(operator.ipow, _plain(operator.pow))
_remainder = _plain(operator.mod)
_in_place_remainder = _in_place(operator.imod, _remainder)


def modulo(a: Any, b: Any) -> Any:
    """`a % b`; of a text, its format."""
    if isinstance(a, bytes):
        return Bytes(encoded(modulo(decoded(bytes(a)), b)))
    return a % _formatted(a, b) if isinstance(a, str) else _remainder(a, b)


def in_place_modulo(a: Any, b: Any) -> Any:
    """What `a %= b` assigns."""
    return modulo(a, b) if isinstance(a, str | bytes) else _in_place_remainder(a, b)


def _of_integers(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biu"
    return isinstance(value, int | np.integer | np.bool_)


def _of_objects(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "O"


def promoted(a: Any, b: Any) -> tuple[Any, Any]:
    """The operands with types whose result has the type that it had."""
    if isinstance(a, str | bytes) and isinstance(b, str | bytes):
        return alike(a, b) if isinstance(a, bytes) is not isinstance(b, bytes) else (result(a), result(b))
    first, second = isinstance(a, np.ndarray | np.generic), isinstance(b, np.ndarray | np.generic)
    if not first and not second:
        return a, b
    a, b = (one[()] if type(one) is np.ndarray and one.ndim == 0 else one for one in (a, b))
    if isinstance(a, np.ndarray):
        b = np.asarray(b) if isinstance(b, list | tuple) else b
        return (a, b) if isinstance(b, np.ndarray) else _with_array(a, b)
    if isinstance(b, np.ndarray):
        a = np.asarray(a) if isinstance(a, list | tuple) else a
        return (a, b) if isinstance(a, np.ndarray) else _with_array(b, a)[::-1]
    return _strong(a), _strong(b)


def _strong(value: Any) -> Any:
    """A number of Python as NumPy's."""
    if type(value) is int:
        return np.int64(value) if -(2**63) <= value < 2**63 else value
    strong: Any = {bool: np.bool_, float: np.float64, complex: np.complex128}.get(type(value))
    return value if strong is None else strong(value)


def _with_array(array: np.ndarray, value: Any) -> tuple[Any, Any]:
    """An array, or a wider one, and a scalar that leaves its type alone where it fits in it."""
    kind = array.dtype.kind
    if kind in "iu" and isinstance(value, int | np.integer) and not isinstance(value, bool):
        number, limits = int(value), np.iinfo(array.dtype)
        if not limits.min <= number <= limits.max:
            least = np.min_scalar_type(number if kind == "u" else -abs(number))
            return array.astype(np.promote_types(array.dtype, least)), number
        return array, number
    if kind in "fc" and isinstance(value, np.integer):
        return array, int(value)
    if kind in "fc" and isinstance(value, float | np.floating):
        least = np.min_scalar_type(value)
        if np.isfinite(value) and np.promote_types(array.dtype, least) != array.dtype:
            return array, least.type(value)
        return array, value.item() if isinstance(value, np.floating) else value
    return array, value


def compare(a: Any, b: Any) -> int:
    """`cmp(a, b)`: negative, zero or positive."""
    try:
        return int(bool(a > b)) - int(bool(a < b))
    except TypeError:
        if isinstance(a, list | tuple) and type(a) is type(b):
            unequal = next(((x, y) for x, y in zip(a, b, strict=False) if x != y), (len(a), len(b)))
            return compare(*unequal)
        if not (_orderable(a) and _orderable(b)):
            raise
    return int(_rank(a) > _rank(b)) - int(_rank(a) < _rank(b))


def _orderable(value: Any) -> bool:
    return isinstance(value, _ORDERED) and not isinstance(value, np.complexfloating)


def _rank(value: Any) -> tuple[int, str]:
    if value is None:
        return 0, ""
    if isinstance(value, int | float | np.generic):
        return 1, ""
    return 2, "str" if isinstance(value, bytes) else type(value).__name__


def _ordered(operation: _Operator) -> _Operator:
    def operate(a: Any, b: Any) -> Any:
        try:
            return operation(a, b)
        except TypeError:
            if not (_orderable(a) and _orderable(b)):
                raise
        return operation(compare(a, b), 0)

    return operate


less, less_equal = _ordered(operator.lt), _ordered(operator.le)
greater, greater_equal = _ordered(operator.gt), _ordered(operator.ge)


class Ordered:
    """An operand of a chain of comparisons."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: Ordered) -> Any:
        return less(self.value, other.value)

    def __le__(self, other: Ordered) -> Any:
        return less_equal(self.value, other.value)

    def __gt__(self, other: Ordered) -> Any:
        return greater(self.value, other.value)

    def __ge__(self, other: Ordered) -> Any:
        return greater_equal(self.value, other.value)

    def __eq__(self, other: Any) -> Any:
        return self.value == other.value

    def __ne__(self, other: Any) -> Any:
        return self.value != other.value

    __hash__ = None  # type: ignore[assignment]


def is_none(value: Any) -> Any:
    """`value == None`, which of an array was False."""
    return False if isinstance(value, np.ndarray) else value == None  # noqa: E711


def is_not_none(value: Any) -> Any:
    """`value != None`."""
    return True if isinstance(value, np.ndarray) else value != None  # noqa: E711


def is_text(value: Any, text: str) -> Any:
    """`value == "text"`, which of an array of numbers was False."""
    return False if isinstance(value, np.ndarray) and value.dtype.kind not in "OSU" else value == text


def is_not_text(value: Any, text: str) -> Any:
    """`value != "text"`."""
    return True if isinstance(value, np.ndarray) and value.dtype.kind not in "OSU" else value != text


_OF_A_CLASS = 1 << 9
"""Flag of a type that a class statement made."""


_DIGITS = 12
_SIZED = re.compile(r"(.?[<>=^])?[-+ ]?#?0?\d*,?")
"""A form without a precision and a type."""


class Number(float):
    """A float whose text has twelve digits."""

    def __str__(self) -> str:
        text = f"{float(self):.12g}"
        if set(text) & set(".en"):
            return text
        return f"{text}.0" if len(text.lstrip("-")) < _DIGITS else re.sub(r"\.?0*e", "e", f"{float(self):.11e}")

    def __format__(self, form: str) -> str:
        digits = f".{_DIGITS}" if _SIZED.fullmatch(form) else ""
        return float.__format__(self, form + digits) if form else str(self)


def shown(value: Any) -> Any:
    """A value whose `str` is the text that Python 2 shows."""
    if type(value) is float:
        return Number(value)
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind == "f":
        return Number(value)  # a loss, for instance
    if type(value) is type and not value.__flags__ & _OF_A_CLASS:
        return repr(value).replace("<class", "<type")
    return decoded(value)


def text(value: Any) -> Any:
    """`str(value)`; of bytes beyond ASCII, themselves."""
    return native(value) if isinstance(value, bytes) else str(shown(value))


def representation(value: Any) -> str:
    """`repr`, without the types of NumPy's scalars."""
    if type(value) is bytes:
        value = Bytes(value)
    if isinstance(value, np.floating) and not isinstance(value, float):
        with np.printoptions(legacy="1.13"):
            return repr(value)
    return repr(value.item()) if isinstance(value, np.number | np.bool_) else repr(value)


def converted(kind: Any, value: Any) -> Any:
    """`str(value)`, `type(value)`, `np.int8(value)`; of an array of one element, `int` and `float` take the element."""
    if kind is str:
        return text(value)
    if kind is type:
        return _type(value)
    if isinstance(kind, type) and issubclass(kind, np.integer):
        return casts.whole_number(kind, value)
    return kind(value.item()) if kind in (int, float) and _single(value) else kind(value)


def _type(value: Any) -> Any:
    """`type(value)`: of byte strings `str`, of files `file`."""
    if isinstance(value, bytes):
        return str
    return files.File if isinstance(value, files.KINDS) else type(value)


_ELEMENTS: dict[str, type] = {"f": float, "i": int, "u": int, "b": int}
"""What arrays of one element are to `%d` and `%f`, by their kind."""


def _single(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.size == 1


def _formatted(form: str, values: Any) -> Any:
    """What follows `%`, with the texts of Python 2."""

    def one(value: Any) -> Any:
        if not _single(value) or value.dtype.kind not in _ELEMENTS:
            return shown(value)
        texts = {"__str__": lambda self: str(shown(value)), "__repr__": lambda self: repr(value)}
        kind = _ELEMENTS[value.dtype.kind]
        return type(kind.__name__, (kind,), texts)(value.item())

    if isinstance(values, tuple):
        return tuple(one(value) for value in values)
    return {name: one(value) for name, value in values.items()} if type(values) is dict else one(values)
