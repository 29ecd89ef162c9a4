"""NumPy, SciPy, scikit-image, matplotlib, Pillow and IPython as they were."""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from .. import files
from .overlay import Made, Overlays, module

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
        data = string.encode(**files.ENCODING) if isinstance(string, str) else string
        return np.frombuffer(data, dtype, count).copy()

    def whole(make: Callable[..., Any]) -> Callable[..., Any]:
        def made(shape: Any, *given: Any, **named: Any) -> Any:
            sizes = shape if isinstance(shape, tuple | list) else (shape,)
            return make(tuple(operator.index(_cut(size)) for size in sizes), *given, **named)

        return made

    def load(file: Any, *given: Any, **named: Any) -> Any:
        named.setdefault("encoding", "latin1")
        return np.load(file, *given, **named)

    return {
        **_NUMPY_TYPES,
        "divide": _OldNames(np.divide, divide),
        "asscalar": lambda array: np.asarray(array).item(),
        "fromstring": fromstring,
        "in1d": lambda a, b, **named: np.isin(np.ravel(a), b, **named),
        "load": load,
        "msort": lambda array: np.sort(array, axis=0),
        "issubclass_": issubclass,
        "find_common_type": lambda arrays, scalars: np.result_type(*arrays, *scalars),
        **{name: whole(getattr(np, name)) for name in ("zeros", "ones", "empty")},
    }


def _cut(size: Any) -> Any:
    """A size of an array, which could be a float."""
    return int(size) if isinstance(size, float | np.floating) else size


def _scipy() -> dict[str, Any]:
    from .. import scipy_misc

    old = ("array", "arange", "zeros", "ones", "mean", "std", "sqrt", "exp", "log", "dot", "pi", "sum", "rand", "randn")
    found = {name: getattr(np, name) for name in old if hasattr(np, name)}
    return {**found, "misc": scipy_misc, "rand": np.random.rand, "randn": np.random.randn}


def _scipy_misc() -> ModuleType:
    from .. import scipy_misc

    return scipy_misc


def _skimage() -> dict[str, Any]:
    return {"filter": importlib.import_module("skimage.filters")}


def _skimage_filter() -> ModuleType:
    return importlib.import_module("skimage.filters")


def _pil_image() -> dict[str, Any]:
    from PIL import Image

    def frombytes(mode: str, size: tuple[int, int], data: Any, *given: Any, **named: Any) -> Any:
        return Image.frombytes(
            mode, size, data.encode(**files.ENCODING) if isinstance(data, str) else data, *given, **named
        )

    old = {"ANTIALIAS": Image.Resampling.LANCZOS, "LINEAR": Image.Resampling.BILINEAR}
    return {**old, "CUBIC": Image.Resampling.BICUBIC, "frombytes": frombytes, "fromstring": frombytes}


def _pyplot() -> dict[str, Any]:
    return {"hold": lambda on=True: None, "ishold": lambda: True}


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
    "PIL.Image": _pil_image,
    "matplotlib.pyplot": _pyplot,
    "numpy": _numpy,
    "scipy": _scipy,
    "skimage": _skimage,
}

MADE: Made = {
    "scipy.misc": _scipy_misc,
    "scipy.misc.pilutil": _scipy_misc,
    "skimage.filter": _skimage_filter,
}

WITHOUT: Made = {"IPython": _ipython, "IPython.display": _ipython_display}
"""Modules for packages that scripts import without need, where they are not installed."""
