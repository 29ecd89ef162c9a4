"""NumPy, SciPy, scikit-image, matplotlib, Pillow and IPython as they were."""

from __future__ import annotations

import builtins
import functools
import importlib
import inspect
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
            return np.load(files.binary(file), *given, **named)
        except ValueError as error:
            if "allow_pickle" not in str(error) or "allow_pickle" in named:
                raise
        return pickled_array(file)

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
        "asscalar": lambda array: np.asarray(array).item(),
        "fromstring": fromstring,
        "frombuffer": frombuffer,
        "in1d": lambda a, b, **named: np.isin(np.ravel(a), b, **named),
        "load": load,
        "msort": lambda array: np.sort(array, axis=0),
        "issubclass_": issubclass,
        "find_common_type": lambda arrays, scalars: np.result_type(*arrays, *scalars),
        "histogram": histogram,
        **{name: listing(getattr(np, name)) for name in stacks},
        "array": ragged(casts.making(np.array, 0)),
        "asarray": ragged(casts.making(np.asarray, 0)),
        "asanyarray": casts.making(np.asanyarray, 0),
        "loadtxt": loadtxt,
        "sum": total,
        **{name: promoting(getattr(np, name)) for name in _PROMOTING},
        **sizes.functions(),
        "full": casts.making(sizes.functions()["full"], 1),
        "full_like": casts.making(np.full_like, 1),
        "__all__": [*every, *(name for name in _NUMPY_TYPES if name not in vars(builtins) and name not in _BUILTINS)],
    }


def _scipy() -> dict[str, Any]:
    from .. import scipy_misc

    old = ("array", "arange", "zeros", "ones", "mean", "std", "sqrt", "exp", "log", "dot", "pi", "sum", "rand", "randn")
    found = {name: getattr(np, name) for name in old if hasattr(np, name)}
    return {**found, "misc": scipy_misc, "rand": np.random.rand, "randn": np.random.randn}


def _scipy_misc() -> ModuleType:
    from .. import scipy_misc

    return scipy_misc


def _ndimage() -> dict[str, Any]:
    from .. import scipy_misc

    return {"imread": scipy_misc.imread}


def _skimage() -> dict[str, Any]:
    return {"filter": _skimage_filter()}


def _skimage_filter() -> ModuleType:
    """`skimage.filter`, which is now `skimage.filters`."""
    from . import served

    found = served("skimage.filters")
    assert found is not None
    return found


def _skimage_functions(name: str, **defaults: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Functions of scikit-image that take its old options, and have its old defaults.

    A picture of three axes had channels in the last one.
    """

    def made(function: Any, old: dict[str, Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(image: Any, *given: Any, multichannel: Any = None, **named: Any) -> Any:
            named = {_SKIMAGE_OPTIONS.get(option, option): value for option, value in named.items()}
            given_names = list(inspect.signature(function).parameters)[1 : len(given) + 1]
            options = {option: value for option, value in old.items() if option not in given_names} | named
            if multichannel is not None:
                options["channel_axis"] = -1 if multichannel else None
            if np.ndim(image) != 3 and "channel_axis" in options:
                options["channel_axis"] = None
            return function(image, *given, **options)

        return call

    def names() -> dict[str, Any]:
        found = importlib.import_module(name)
        return {one: made(getattr(found, _SKIMAGE_NAMES.get(one, one)), old) for one, old in defaults.items()}

    return names


def _skimage_io() -> dict[str, Any]:
    def imsave(name: Any, picture: Any, *given: Any, **named: Any) -> Any:
        from skimage import io, util

        picture = util.img_as_ubyte(picture) if np.asarray(picture).dtype.kind == "f" else picture
        return io.imsave(name, picture, *given, **named)

    return {**_skimage_functions("skimage.io", imread={})(), "imsave": imsave}


_SKIMAGE_OPTIONS = {
    "as_grey": "as_gray",
    "max_iter": "max_num_iter",
    "n_iter_max": "max_num_iter",
    "sigma_range": "sigma_color",
}
_SKIMAGE_NAMES = {"gaussian_filter": "gaussian"}
_CHANNELS = {"channel_axis": -1}
_RESIZED = {"order": 1, "mode": "constant", "anti_aliasing": False}


def _h5py() -> dict[str, Any]:
    """Files that are made where there is none, and open for writing where they can be."""
    import h5py

    class File(h5py.File):  # type: ignore[misc]
        def __init__(self, name: Any, mode: Any = None, *given: Any, **named: Any) -> None:
            if mode is None and isinstance(name, str | bytes):
                mode = "r" if os.path.exists(name) and not os.access(name, os.W_OK) else "a"
            super().__init__(name, mode or "r", *given, **named)

    return {"File": File}


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


def _pil_image() -> dict[str, Any]:
    from PIL import Image

    def frombytes(mode: str, size: tuple[int, int], data: Any, *given: Any, **named: Any) -> Any:
        return Image.frombytes(mode, size, encoded(data), *given, **named)

    def opened(file: Any, *given: Any, **named: Any) -> Any:
        return Image.open(files.binary(file), *given, **named)

    old = {"open": opened, "ANTIALIAS": Image.Resampling.LANCZOS, "LINEAR": Image.Resampling.BILINEAR}
    return {**old, "CUBIC": Image.Resampling.BICUBIC, "frombytes": frombytes, "fromstring": frombytes}


def _pyplot() -> dict[str, Any]:
    from ..methods import drawn

    _matplotlib_cm()
    draws = {name: functools.partial(drawn, name, _pyplot_module()) for name in ("hist", "subplot", "tick_params")}
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
    "PIL.Image": _pil_image,
    "h5py": _h5py,
    "matplotlib": _matplotlib,
    "matplotlib.cm": _matplotlib_cm,
    "matplotlib.pyplot": _pyplot,
    "numpy": _numpy,
    "numpy.random": _np_random,
    "pylab": _pylab,
    "scipy": _scipy,
    "scipy.ndimage": _ndimage,
    "skimage": _skimage,
    "skimage.filters": _skimage_functions("skimage.filters", gaussian={}, gaussian_filter={}),
    "skimage.io": _skimage_io,
    "skimage.restoration": _skimage_functions(
        "skimage.restoration",
        denoise_bilateral=_CHANNELS,
        denoise_nl_means=_CHANNELS,
        denoise_tv_bregman=_CHANNELS,
        denoise_tv_chambolle={},
    ),
    "skimage.transform": _skimage_functions(
        "skimage.transform", rescale={**_RESIZED, **_CHANNELS}, resize=_RESIZED, pyramid_reduce=_CHANNELS
    ),
    "yaml": _yaml,
}

MADE: Made = {
    "scipy.misc": _scipy_misc,
    "scipy.misc.pilutil": _scipy_misc,
    "skimage.filter": _skimage_filter,
}

WITHOUT: Made = {"IPython": _ipython, "IPython.display": _ipython_display}
"""Modules for packages that scripts import without need, where they are not installed."""
