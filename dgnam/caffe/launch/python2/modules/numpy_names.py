"""NumPy as it was: names, options, casts, and strings of files as texts."""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import importlib
from collections.abc import Callable, Iterator
from types import GeneratorType
from typing import Any

import numpy as np

from .. import casts, files, operators, sizes
from ..byte_strings import decoded, encoded
from .overlay import Overlays
from .pickled_arrays import pickled_array

TYPES: dict[str, Any] = {
    "float": float,
    "int": int,
    "bool": bool,
    "complex": complex,
    "object": object,
    "str": str,
    "long": np.int64,
    "unicode": str,
    "float_": np.float64,
    "complex_": np.complex128,
    "string_": np.bytes_,
    "unicode_": np.str_,
    "singlecomplex": np.complex64,
    "cfloat": np.complex128,
    "longfloat": np.longdouble,
    "Inf": np.inf,
    "Infinity": np.inf,
    "infty": np.inf,
    "PINF": np.inf,
    "NINF": -np.inf,
    "NaN": np.nan,
    "PZERO": 0.0,
    "NZERO": -0.0,
    "row_stack": np.vstack,
    "mat": np.asmatrix,
    "product": np.prod,
    "cumproduct": np.cumprod,
    "alltrue": np.all,
    "sometrue": np.any,
    "round_": np.round,
    "rank": np.ndim,
    "trapz": np.trapezoid if hasattr(np, "trapezoid") else getattr(np, "trapz", None),
}


BUILTINS = ("abs", "bool", "long", "max", "min", "pow", "round", "ulong", "unicode")
"""Names that `from numpy import *` did not import."""


_PROMOTING = ("add", "floor_divide", "fmax", "fmin", "maximum", "minimum", "mod", "multiply", "power", "subtract")
"""Ufuncs whose results have the types that operators give theirs."""
_NOWHERE = "\x1f"
"""A delimiter that no line has."""


_KINDS: dict[str, list[Any]] = {
    "int": [np.int8, np.int16, np.int32, np.int64],
    "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
    "float": [np.float16, np.float32, np.float64, np.longdouble],
    "complex": [np.complex64, np.complex128, np.clongdouble],
    "others": [bool, object, bytes, str, np.void],
}


class _Cast(dict[Any, Callable[[Any], np.ndarray]]):
    """`np.cast[type](values)`."""

    def __missing__(self, kind: Any) -> Callable[[Any], np.ndarray]:
        return lambda values: np.asarray(values).astype(kind)


class _OldNames:
    """A ufunc with other results of a call."""

    def __init__(self, ufunc: Any, call: Callable[..., Any]) -> None:
        self._ufunc, self._call = ufunc, call

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._call(*given, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ufunc, name)


def _divide(a: Any, b: Any, out: Any = None, **named: Any) -> Any:
    whole = all(np.asarray(one).dtype.kind in "biu" for one in (a, b))
    return (np.floor_divide if whole else np.true_divide)(a, b, out, **named)


def _fromstring(string: Any, dtype: Any = float, count: int = -1, sep: str = "") -> np.ndarray:
    if sep:
        return np.fromstring(string, dtype, count, sep=sep)
    return np.frombuffer(encoded(string), dtype, count).copy()


def _frombuffer(buffer: Any, *given: Any, **named: Any) -> np.ndarray:
    return np.frombuffer(encoded(buffer), *given, **named)


def _load(file: Any, *given: Any, **named: Any) -> Any:
    named.setdefault("encoding", "latin1")
    try:
        found = np.load(files.binary(file), *given, **named)
        if isinstance(found, np.lib.npyio.NpzFile):
            found.__class__ = _Archive
        return as_texts(found)
    except ValueError as error:
        if "allow_pickle" not in str(error) or "allow_pickle" in named:
            raise
    return pickled_array(file)


@functools.wraps(np.array)
def _array(*given: Any, **named: Any) -> np.ndarray:
    """`copy=False` copied where it had to; it may be the third argument."""
    if given[2:3]:
        named["copy"] = given[2]
    if not named.get("copy", True):
        named["copy"] = None
    return np.array(*given[:2], *given[3:], **named)


def _ragged(make: Callable[..., Any]) -> Callable[..., Any]:
    """A function that makes an array of objects of sequences that are not equally long."""

    def made(values: Any, *given: Any, **named: Any) -> Any:
        try:
            return make(values, *given, **named)
        except ValueError as error:
            if "inhomogeneous" not in str(error) or given or "dtype" in named:
                raise
        return make(values, dtype=object, **named)

    return made


def _histogram(*given: Any, normed: Any = None, **named: Any) -> Any:
    if normed is not None:
        named["density"] = bool(normed)
    return np.histogram(*given, **named)


def _listing(stack: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays that takes any iterable of them."""
    return lambda arrays, *given, **named: stack(
        list(arrays) if isinstance(arrays, Iterator) else arrays, *given, **named
    )


def _loadtxt(
    file: Any, dtype: Any = float, comments: Any = "#", delimiter: Any = None, *given: Any, **named: Any
) -> np.ndarray:
    """Lines are columns of one row where they end with the delimiter."""
    whole_lines = isinstance(decoded(delimiter), str) and not decoded(delimiter).strip("\r\n")
    return np.loadtxt(file, dtype, comments, _NOWHERE if whole_lines else delimiter, *given, **named)


def _asfarray(array: Any, dtype: Any = np.float64) -> np.ndarray:
    return np.asarray(array, dtype if np.issubdtype(dtype, np.inexact) else np.float64)


def _interpolating(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose `method` was its `interpolation`."""

    def call(*given: Any, **named: Any) -> Any:
        named = {"method" if name == "interpolation" else name: value for name, value in named.items()}
        return function(*given, **named)

    return call


def _savetxt(file: Any, *given: Any, **named: Any) -> None:
    np.savetxt(file, *given, **named)
    if hasattr(file, "flush"):
        file.flush()  # NumPy keeps it open


def _total(values: Any, *given: Any, **named: Any) -> Any:
    if isinstance(values, GeneratorType):
        return functools.reduce(operators.add, values, 0)
    return np.sum(values, *given, **named)


def _promoting(ufunc: Any) -> _OldNames:
    return _OldNames(ufunc, lambda a, b, *given, **named: ufunc(*operators.promoted(a, b), *given, **named))


def _select(conditions: Any, choices: Any, default: Any = 0) -> np.ndarray:
    """Of a type in which scalars fit that would not fit the arrays'."""
    arrays = [choice for choice in choices if isinstance(choice, np.ndarray) and choice.ndim]
    if not arrays:
        return np.select(conditions, choices, default)
    kind = np.result_type(*arrays)
    for value in (*choices, default):
        if not np.ndim(value):
            kind = np.result_type(*operators.promoted(np.empty(1, kind), value))
    return np.select(conditions, [np.asarray(choice, kind) for choice in choices], np.asarray(default, kind))


def as_texts(values: Any) -> Any:
    """Byte strings of NumPy and HDF5, which are `str` of Python 2, as texts; what is none stays."""
    kind = values.dtype.kind if isinstance(values, np.ndarray) else ""
    if kind == "S":
        with contextlib.suppress(UnicodeDecodeError):
            return np.char.decode(values, "utf-8")
    elif kind == "O":
        return np.frompyfunc(decoded, 1, 1)(values, out=np.empty(values.shape, object))
    return decoded(values)


class _Archive(np.lib.npyio.NpzFile):
    """A `.npz` file, whose strings are texts."""

    def __getitem__(self, name: str) -> Any:
        return as_texts(super().__getitem__(name))


def names() -> dict[str, Any]:
    """Those of NumPy that are gone or behave anew."""
    stacks = ("vstack", "hstack", "dstack", "column_stack", "concatenate", "stack")
    every = [name for name in np.__all__ if name not in BUILTINS]

    return {
        **TYPES,
        "divide": _OldNames(np.divide, _divide),
        "alen": lambda array: len(array) if np.ndim(array) else 1,
        "asfarray": _asfarray,
        "asscalar": lambda array: np.asarray(array).item(),
        "fromstring": _fromstring,
        "frombuffer": _frombuffer,
        "in1d": lambda a, b, **named: np.isin(np.ravel(a), b, **named),
        "load": _load,
        "where": lambda condition, *given: np.where(condition, *(operators.promoted(*given) if given else ())),
        "msort": lambda array: np.sort(array, axis=0),
        "issubclass_": issubclass,
        "issubsctype": lambda a, b: np.issubdtype(np.dtype(a), np.dtype(b)),
        "loads": lambda data: importlib.import_module("pickle").loads(encoded(data), encoding="latin1"),
        "obj2sctype": lambda kind, default=None: np.dtype(kind).type,
        "safe_eval": ast.literal_eval,
        "cast": _Cast(),
        "sctypes": _KINDS,
        "recfromcsv": lambda *given, **named: np.genfromtxt(
            *given, **{"delimiter": ",", "names": True, "dtype": None, "case_sensitive": "lower", **named}
        ).view(np.recarray),
        **{name: _interpolating(getattr(np, name)) for name in ("nanpercentile", "percentile")},
        "find_common_type": lambda arrays, scalars: np.result_type(*arrays, *scalars),
        "histogram": _histogram,
        **{name: _listing(getattr(np, name)) for name in stacks},
        "array": _ragged(casts.making(_array, 0)),
        "asarray": _ragged(casts.making(np.asarray, 0)),
        "asanyarray": casts.making(np.asanyarray, 0),
        "loadtxt": _loadtxt,
        "savetxt": _savetxt,
        "sum": _total,
        **{name: _promoting(getattr(np, name)) for name in _PROMOTING},
        **sizes.functions(),
        "full": casts.making(sizes.functions()["full"], 1, "fill_value"),
        "full_like": casts.making(np.full_like, 1, "fill_value"),
        "fromiter": lambda values, *given, **named: casts.making(np.fromiter, 0)(list(values), *given, **named),
        "insert": casts.making(np.insert, 2, "values"),
        "place": casts.putting(np.place, "vals"),
        "put": casts.putting(np.put, "v"),
        "putmask": casts.putting(np.putmask, "values"),
        "select": _select,
        "__all__": [*every, *(name for name in TYPES if name not in vars(builtins) and name not in BUILTINS)],
    }


def random_names() -> dict[str, Any]:
    def random_integers(low: Any, high: Any = None, size: Any = None) -> Any:
        low, high = (1, low) if high is None else (low, high)
        return sizes.of_random()["randint"](low, int(high) + 1, size)

    return {**sizes.of_random(), "random_integers": random_integers}


OVERLAYS: Overlays = {"numpy": names, "numpy.random": random_names}
