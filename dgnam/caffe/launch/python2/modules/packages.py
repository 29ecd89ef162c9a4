"""NumPy, h5py, yaml, matplotlib and IPython as they were."""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import importlib
import os
from collections.abc import Callable, Iterator
from types import GeneratorType, ModuleType
from typing import Any

import numpy as np

from .. import casts, files, operators, sizes
from ..byte_strings import decoded, encoded
from .overlay import Made, Overlays, module
from .pickled_arrays import pickled_array

_NUMPY_TYPES: dict[str, Any] = {
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


_BUILTINS = ("abs", "bool", "long", "max", "min", "pow", "round", "ulong", "unicode")
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


def _numpy() -> dict[str, Any]:
    def divide(a: Any, b: Any, out: Any = None, **named: Any) -> Any:
        whole = all(np.asarray(one).dtype.kind in "biu" for one in (a, b))
        return (np.floor_divide if whole else np.true_divide)(a, b, out, **named)

    def fromstring(string: Any, dtype: Any = float, count: int = -1, sep: str = "") -> np.ndarray:
        if sep:
            return np.fromstring(string, dtype, count, sep=sep)
        return np.frombuffer(encoded(string), dtype, count).copy()

    def frombuffer(buffer: Any, *given: Any, **named: Any) -> np.ndarray:
        return np.frombuffer(encoded(buffer), *given, **named)

    def load(file: Any, *given: Any, **named: Any) -> Any:
        named.setdefault("encoding", "latin1")
        try:
            found = np.load(files.binary(file), *given, **named)
            if isinstance(found, np.lib.npyio.NpzFile):
                found.__class__ = _Archive
            return _texts(found)
        except ValueError as error:
            if "allow_pickle" not in str(error) or "allow_pickle" in named:
                raise
        return pickled_array(file)

    @functools.wraps(np.array)
    def array(*given: Any, **named: Any) -> np.ndarray:
        """`copy=False` copied where it had to; it may be the third argument."""
        if given[2:3]:
            named["copy"] = given[2]
        if not named.get("copy", True):
            named["copy"] = None
        return np.array(*given[:2], *given[3:], **named)

    def ragged(make: Callable[..., Any]) -> Callable[..., Any]:
        """A function that makes an array of objects of sequences that are not equally long."""

        def made(values: Any, *given: Any, **named: Any) -> Any:
            try:
                return make(values, *given, **named)
            except ValueError as error:
                if "inhomogeneous" not in str(error) or given or "dtype" in named:
                    raise
            return make(values, dtype=object, **named)

        return made

    def histogram(*given: Any, normed: Any = None, **named: Any) -> Any:
        if normed is not None:
            named["density"] = bool(normed)
        return np.histogram(*given, **named)

    def listing(stack: Callable[..., Any]) -> Callable[..., Any]:
        """A function of arrays that takes any iterable of them."""
        return lambda arrays, *given, **named: stack(
            list(arrays) if isinstance(arrays, Iterator) else arrays, *given, **named
        )

    def loadtxt(
        file: Any, dtype: Any = float, comments: Any = "#", delimiter: Any = None, *given: Any, **named: Any
    ) -> np.ndarray:
        """Lines are columns of one row where they end with the delimiter."""
        whole_lines = isinstance(decoded(delimiter), str) and not decoded(delimiter).strip("\r\n")
        return np.loadtxt(file, dtype, comments, _NOWHERE if whole_lines else delimiter, *given, **named)

    def asfarray(array: Any, dtype: Any = np.float64) -> np.ndarray:
        return np.asarray(array, dtype if np.issubdtype(dtype, np.inexact) else np.float64)

    def interpolating(function: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose `method` was its `interpolation`."""

        def call(*given: Any, **named: Any) -> Any:
            named = {"method" if name == "interpolation" else name: value for name, value in named.items()}
            return function(*given, **named)

        return call

    def savetxt(file: Any, *given: Any, **named: Any) -> None:
        np.savetxt(file, *given, **named)
        if hasattr(file, "flush"):
            file.flush()  # NumPy keeps it open

    def total(values: Any, *given: Any, **named: Any) -> Any:
        if isinstance(values, GeneratorType):
            return functools.reduce(operators.add, values, 0)
        return np.sum(values, *given, **named)

    def promoting(ufunc: Any) -> _OldNames:
        return _OldNames(ufunc, lambda a, b, *given, **named: ufunc(*operators.promoted(a, b), *given, **named))

    stacks = ("vstack", "hstack", "dstack", "column_stack", "concatenate", "stack")
    every = [name for name in np.__all__ if name not in _BUILTINS]

    return {
        **_NUMPY_TYPES,
        "divide": _OldNames(np.divide, divide),
        "alen": lambda array: len(array) if np.ndim(array) else 1,
        "asfarray": asfarray,
        "asscalar": lambda array: np.asarray(array).item(),
        "fromstring": fromstring,
        "frombuffer": frombuffer,
        "in1d": lambda a, b, **named: np.isin(np.ravel(a), b, **named),
        "load": load,
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
        **{name: interpolating(getattr(np, name)) for name in ("nanpercentile", "percentile")},
        "find_common_type": lambda arrays, scalars: np.result_type(*arrays, *scalars),
        "histogram": histogram,
        **{name: listing(getattr(np, name)) for name in stacks},
        "array": ragged(casts.making(array, 0)),
        "asarray": ragged(casts.making(np.asarray, 0)),
        "asanyarray": casts.making(np.asanyarray, 0),
        "loadtxt": loadtxt,
        "savetxt": savetxt,
        "sum": total,
        **{name: promoting(getattr(np, name)) for name in _PROMOTING},
        **sizes.functions(),
        "full": casts.making(sizes.functions()["full"], 1, "fill_value"),
        "full_like": casts.making(np.full_like, 1, "fill_value"),
        "__all__": [*every, *(name for name in _NUMPY_TYPES if name not in vars(builtins) and name not in _BUILTINS)],
    }


def _h5py() -> dict[str, Any]:
    """Files that are made where there is none, and open for writing where they can be; their strings are texts."""
    import h5py

    class Dataset(h5py.Dataset):  # type: ignore[misc]
        def __getitem__(self, index: Any, *given: Any, **named: Any) -> Any:
            return _texts(super().__getitem__(index, *given, **named))

        value = property(lambda self: self[()])

    class Group(h5py.Group):  # type: ignore[misc]
        def __getitem__(self, name: Any) -> Any:
            return served(super().__getitem__(name))

        def __setitem__(self, name: Any, value: Any) -> None:
            super().__setitem__(name, _byte_strings(value))

        def get(self, name: Any, *given: Any, **named: Any) -> Any:
            return served(super().get(name, *given, **named))

        def create_group(self, *given: Any, **named: Any) -> Any:
            return served(super().create_group(*given, **named))

        def create_dataset(self, name: Any, *given: Any, **named: Any) -> Any:
            if "data" in named:
                named["data"] = _byte_strings(named["data"])
            return served(super().create_dataset(name, *given, **named))

    class File(Group, h5py.File):  # type: ignore[misc]
        def __init__(self, name: Any, mode: Any = None, *given: Any, **named: Any) -> None:
            if mode is None and isinstance(name, str | bytes):
                mode = "r" if os.path.exists(name) and not os.access(name, os.W_OK) else "a"
            super().__init__(name, mode or "r", *given, **named)

    kinds = {h5py.Dataset: Dataset, h5py.Group: Group}

    def served(found: Any) -> Any:
        kind = kinds.get(type(found))
        return found if kind is None else kind(found.id)

    return {"File": File}


def _texts(values: Any) -> Any:
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
        return _texts(super().__getitem__(name))


def _byte_strings(values: Any) -> Any:
    """Arrays of texts as HDF5 takes them."""
    texts = np.asarray(values) if isinstance(values, list | tuple | np.ndarray) else None
    return np.char.encode(texts, "utf-8") if texts is not None and texts.dtype.kind == "U" else values


def _yaml() -> dict[str, Any]:
    """`load` without a loader, which makes no objects here."""
    yaml: Any = importlib.import_module("yaml")

    return {
        "load": lambda stream, Loader=yaml.SafeLoader: yaml.load(stream, Loader),
        "load_all": lambda stream, Loader=yaml.SafeLoader: yaml.load_all(stream, Loader),
    }


def _matplotlib() -> dict[str, Any]:
    import matplotlib

    def use(backend: str, warn: bool = True, force: bool = True) -> None:
        matplotlib.use(backend, force=force)

    return {"use": use}


def _matplotlib_cm() -> dict[str, Any]:
    """Color maps by their old names."""
    import matplotlib

    for name in ("spectral", "spectral_r"):
        if name not in matplotlib.colormaps:
            matplotlib.colormaps.register(matplotlib.colormaps[f"nipy_{name}"], name=name)
    names = {name: matplotlib.colormaps[name] for name in ("spectral", "spectral_r")}
    return {**names, "get_cmap": _pyplot_module().get_cmap}


def _pyplot_module() -> Any:
    return importlib.import_module("matplotlib.pyplot")


def _pylab() -> dict[str, Any]:
    """Names of NumPy and of pyplot in one module, without those that are builtins."""
    numpy, pyplot = _numpy(), _pyplot()
    names = {**numpy, **_np_random(), "randint": _np_random()["randint"], **pyplot}
    names = {name: value for name, value in names.items() if name not in _BUILTINS and name not in _NUMPY_TYPES}
    listed = [one for one in dir(importlib.import_module("pylab")) if not one.startswith("_")]
    wanted = {*listed, *names} - set(vars(builtins)) | {"all", "any", "sum"}
    return {**names, "all": np.all, "any": np.any, "sum": numpy["sum"], "__all__": sorted(wanted - {"__all__"})}


def _np_random() -> dict[str, Any]:
    def random_integers(low: Any, high: Any = None, size: Any = None) -> Any:
        low, high = (1, low) if high is None else (low, high)
        return sizes.of_random()["randint"](low, int(high) + 1, size)

    return {**sizes.of_random(), "random_integers": random_integers}


def _pyplot() -> dict[str, Any]:
    from ..methods import DRAWS, drawn

    _matplotlib_cm()
    draws = {name: functools.partial(drawn, name, _pyplot_module()) for name in DRAWS}
    return {**draws, "hold": lambda on=True: None, "ishold": lambda: True}


def _ipython() -> ModuleType:
    return module("IPython", display=_ipython_display())


def _ipython_display() -> ModuleType:
    """What scripts use of IPython's display where IPython is not installed: nothing is shown."""

    class Image:
        def __init__(self, *given: Any, **named: Any) -> None:
            pass

    def nothing(*given: Any, **named: Any) -> None:
        pass

    names = dict.fromkeys(("clear_output", "display"), nothing)
    return module("IPython.display", Image=Image, HTML=Image, SVG=Image, **names)


OVERLAYS: Overlays = {
    "h5py": _h5py,
    "matplotlib": _matplotlib,
    "matplotlib.cm": _matplotlib_cm,
    "matplotlib.pyplot": _pyplot,
    "numpy": _numpy,
    "numpy.random": _np_random,
    "pylab": _pylab,
    "yaml": _yaml,
}

WITHOUT: Made = {"IPython": _ipython, "IPython.display": _ipython_display}
"""Modules for packages that scripts import without need, where they are not installed."""
