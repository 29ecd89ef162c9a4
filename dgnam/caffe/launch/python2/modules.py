"""Modules as Python 2 and the packages of its time had them: what is gone, and what has other names or behaves anew.

Only translated code sees them: `served` gives a module that looks through to today's.
"""

from __future__ import annotations

import importlib
import inspect
import io
import math
import operator
import pickle
import random
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import numpy as np

from . import files, operators

RENAMED = {
    "__builtin__": "builtins",
    "BaseHTTPServer": "http.server",
    "ConfigParser": "configparser",
    "Cookie": "http.cookies",
    "HTMLParser": "html.parser",
    "Image": "PIL.Image",
    "ImageChops": "PIL.ImageChops",
    "ImageDraw": "PIL.ImageDraw",
    "ImageEnhance": "PIL.ImageEnhance",
    "ImageFilter": "PIL.ImageFilter",
    "ImageFont": "PIL.ImageFont",
    "ImageOps": "PIL.ImageOps",
    "Queue": "queue",
    "SimpleHTTPServer": "http.server",
    "SocketServer": "socketserver",
    "Tkinter": "tkinter",
    "UserDict": "collections",
    "UserList": "collections",
    "anydbm": "dbm",
    "cPickle": "pickle",
    "cookielib": "http.cookiejar",
    "copy_reg": "copyreg",
    "dummy_thread": "_thread",
    "exceptions": "builtins",
    "htmlentitydefs": "html.entities",
    "httplib": "http.client",
    "robotparser": "urllib.robotparser",
    "thread": "_thread",
    "tkFileDialog": "tkinter.filedialog",
    "tkFont": "tkinter.font",
    "tkMessageBox": "tkinter.messagebox",
    "ttk": "tkinter.ttk",
    "urlparse": "urllib.parse",
    "xmlrpclib": "xmlrpc.client",
}
"""Where modules of Python 2 are now."""

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


def served(name: str) -> ModuleType | None:
    """The module that stands for `name`, dotted, in translated code; None where today's is as good."""
    if name not in _served:
        make = _MADE.get(name)
        old = RENAMED.get(name)
        if make is None and old is None and name not in _OVERLAYS:
            return None
        if make is not None:
            _served[name] = make()
        else:
            names = _OVERLAYS.get(name, _OVERLAYS.get(old or "", dict))()
            _served[name] = _Overlay(importlib.import_module(old or name), names)
    return _served[name]


class _Overlay(ModuleType):
    """A module with some names of its own, that looks through to another; what is set in it is set there."""

    def __init__(self, module: ModuleType, names: dict[str, Any]) -> None:
        super().__init__(module.__name__, module.__doc__)
        vars(self).update(_module=module, _names=names, **names)
        for name in ("__path__", "__file__", "__spec__", "__package__"):
            if hasattr(module, name):
                vars(self)[name] = getattr(module, name)

    def __getattr__(self, name: str) -> Any:
        module: ModuleType = vars(self)["_module"]
        if name == "__all__":
            listed = getattr(module, "__all__", [own for own in vars(module) if not own.startswith("_")])
            return [*dict.fromkeys([*listed, *(own for own in vars(self)["_names"] if not own.startswith("_"))])]
        value = getattr(module, name)
        if isinstance(value, ModuleType):
            return served(value.__name__) or value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        vars(self)["_names"].pop(name, None)
        vars(self).pop(name, None)
        setattr(vars(self)["_module"], name, value)

    def __dir__(self) -> list[str]:
        return sorted({*dir(vars(self)["_module"]), *vars(self)["_names"]})


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


def _math() -> dict[str, Any]:
    return {
        "floor": lambda number: float(math.floor(number)) if math.isfinite(number) else float(number),
        "ceil": lambda number: float(math.ceil(number)) if math.isfinite(number) else float(number),
    }


def _sys() -> dict[str, Any]:
    return {
        "maxint": sys.maxsize,
        "setdefaultencoding": lambda name: None,
        "exc_clear": lambda: None,
        "exc_type": None,
        "exc_value": None,
        "exc_traceback": None,
    }


def _os() -> dict[str, Any]:
    import errno
    import os

    def getcwd() -> str:
        return os.getcwd()

    return {"getcwdu": getcwd, "errno": errno}


def _os_path() -> dict[str, Any]:
    import os

    def walk(top: str, visit: Callable[..., Any], given: Any) -> None:
        names = os.listdir(top)
        visit(given, top, names)
        for name in names:
            below = os.path.join(top, name)
            if os.path.isdir(below) and not os.path.islink(below):
                walk(below, visit, given)

    return {"walk": walk}


def _string() -> dict[str, Any]:
    import string

    methods = (
        *("capitalize", "center", "count", "expandtabs", "find", "index", "ljust", "lower", "lstrip", "replace"),
        *("rfind", "rindex", "rjust", "rstrip", "split", "strip", "swapcase", "translate", "upper", "zfill"),
    )
    latin = {chr(code): chr(code) for code in range(256)}
    return {
        **{name: getattr(str, name) for name in methods},
        "letters": string.ascii_letters,
        "lowercase": string.ascii_lowercase,
        "uppercase": string.ascii_uppercase,
        "maketrans": lambda old, new: "".join({**latin, **dict(zip(old, new, strict=True))}.values()),
        "join": lambda words, sep=" ": sep.join(words),
        "joinfields": lambda words, sep=" ": sep.join(words),
        "splitfields": str.split,
        "atoi": int,
        "atol": int,
        "atof": float,
    }


def _itertools() -> dict[str, Any]:
    import itertools

    return {
        "izip": zip,
        "imap": lambda function, *lists: zip(*lists, strict=False) if function is None else map(function, *lists),
        "ifilter": filter,
        "ifilterfalse": itertools.filterfalse,
        "izip_longest": itertools.zip_longest,
    }


def _types() -> dict[str, Any]:
    from .names import BaseString, Unicode

    return {
        "NoneType": type(None),
        "TypeType": type,
        "ObjectType": object,
        "BooleanType": bool,
        "IntType": int,
        "LongType": int,
        "FloatType": float,
        "ComplexType": complex,
        "StringType": str,
        "UnicodeType": Unicode,
        "StringTypes": (BaseString,),
        "TupleType": tuple,
        "ListType": list,
        "DictType": dict,
        "SliceType": slice,
        "DictionaryType": dict,
        "FileType": files.File,
        "ClassType": type,
        "InstanceType": object,
        "XRangeType": range,
        "BufferType": memoryview,
        "UnboundMethodType": types.FunctionType,
    }


def _collections() -> dict[str, Any]:
    import collections
    import collections.abc

    return {
        **{name: getattr(collections.abc, name) for name in collections.abc.__all__},
        "IterableUserDict": collections.UserDict,
    }


def _pickle() -> dict[str, Any]:
    """Pickles of Python 2: its texts as Latin-1; files opened without "b" too."""

    def bytes_of(file: Any) -> Any:
        return file.buffer if isinstance(file, io.TextIOWrapper) else _AsBytes(file)

    def load(file: Any) -> Any:
        return pickle.load(bytes_of(file), encoding="latin1")

    def loads(data: Any) -> Any:
        return pickle.loads(data.encode(**files.ENCODING) if isinstance(data, str) else data, encoding="latin1")

    def dump(value: Any, file: Any, protocol: Any = 0) -> None:
        data = dumps(value, protocol)
        file.write(data)

    def dumps(value: Any, protocol: Any = 0) -> bytes:
        return pickle.dumps(value, 2 if protocol is None or protocol < 0 or protocol > 2 else protocol)

    def unpickler(file: Any, **named: Any) -> Any:
        return pickle.Unpickler(bytes_of(file), **{"encoding": "latin1", **named})

    names: dict[str, Any] = {"load": load, "loads": loads, "dump": dump, "dumps": dumps, "HIGHEST_PROTOCOL": 2}
    return {**names, "Unpickler": unpickler, "BadPickleGet": KeyError, "UnpickleableError": pickle.PicklingError}


class _AsBytes:
    """A file that gives bytes to `pickle`, also where it gives texts."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def read(self, size: int = -1) -> bytes:
        return self.encoded(self.file.read(size))

    def readline(self) -> bytes:
        return self.encoded(self.file.readline())

    def encoded(self, data: Any) -> bytes:
        return data.encode(**files.ENCODING) if isinstance(data, str) else data


def _subprocess() -> dict[str, Any]:
    """Pipes with texts; output that is no UTF-8 is kept as surrogates."""

    class Popen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **{**files.ENCODING, **named})

    def check_output(*given: Any, **named: Any) -> Any:
        return subprocess.check_output(*given, **{**files.ENCODING, **named})

    return {"Popen": Popen, "check_output": check_output}


def _commands() -> ModuleType:
    status: Callable[[str], Any] = lambda command: _waited(subprocess.getstatusoutput(command))  # noqa: E731
    return _module("commands", getoutput=subprocess.getoutput, getstatusoutput=status, mkarg=lambda text: f" {text!r}")


def _waited(found: tuple[int, str]) -> tuple[int, str]:
    """The exit status as `os.wait` gives it."""
    return (found[0] << 8 if found[0] >= 0 else -found[0]), found[1]


def _time() -> dict[str, Any]:
    return {"clock": time.process_time}


def _inspect() -> dict[str, Any]:
    def getargspec(function: Any) -> Any:
        full = inspect.getfullargspec(function)
        return _ArgSpec(full.args, full.varargs, full.varkw, full.defaults)

    return {"getargspec": getargspec}


class _ArgSpec(tuple):  # type: ignore[type-arg]
    args, varargs, keywords, defaults = (property(operator.itemgetter(index)) for index in range(4))

    def __new__(cls, *parts: Any) -> _ArgSpec:
        return super().__new__(cls, parts)


def _operator() -> dict[str, Any]:
    return {
        "div": operators.divide,
        "idiv": operators.in_place_divide,
        "isCallable": callable,
        "isSequenceType": lambda value: hasattr(value, "__getitem__"),
        "sequenceIncludes": operator.contains,
    }


def _random() -> dict[str, Any]:
    """The draws that Python 2 makes of the same stream; the stream of a whole number as a seed is the same."""

    def choice(values: Any) -> Any:
        return values[int(random.random() * len(values))]

    def shuffle(values: Any, draw: Callable[[], float] = random.random) -> None:
        for last in reversed(range(1, len(values))):
            chosen = int(draw() * (last + 1))
            values[last], values[chosen] = values[chosen], values[last]

    def randrange(start: int, stop: int | None = None, step: int = 1) -> int:
        start, stop = (0, start) if stop is None else (start, stop)
        count = (stop - start + step - (1 if step > 0 else -1)) // step
        if count <= 0:
            raise ValueError("empty range for randrange()")
        return start + step * int(random.random() * count)

    def sample(population: Any, k: int) -> list[Any]:
        values = list(population)
        if not 0 <= k <= len(values):
            raise ValueError("sample larger than population")
        limit = 21 + (4 ** math.ceil(math.log(k * 3, 4)) if k > 5 else 0)
        if len(values) <= limit or hasattr(population, "keys"):
            for count in range(k):
                chosen = int(random.random() * (len(values) - count))
                last = len(values) - count - 1
                values[chosen], values[last] = values[last], values[chosen]
            return values[len(values) - k :][::-1]
        return [values[index] for index in _distinct(len(values), k)]

    names: dict[str, Any] = {"choice": choice, "shuffle": shuffle, "randrange": randrange, "sample": sample}
    return {**names, "randint": lambda low, high: randrange(low, high + 1), "jumpahead": lambda n: None}


def _distinct(limit: int, count: int) -> list[int]:
    """Different indices below `limit`, in the order in which they are drawn."""
    chosen: dict[int, None] = {}
    while len(chosen) < count:
        chosen.setdefault(int(random.random() * limit))
    return list(chosen)


def _urllib() -> dict[str, Any]:
    import urllib.parse
    import urllib.request

    names = ("quote", "quote_plus", "unquote", "unquote_plus", "urlencode")
    requests = ("urlopen", "urlretrieve", "urlcleanup", "pathname2url", "url2pathname", "getproxies")
    return {
        **{name: getattr(urllib.parse, name) for name in names},
        **{name: getattr(urllib.request, name) for name in requests},
    }


def _urllib2() -> ModuleType:
    import urllib.error
    import urllib.parse
    import urllib.request

    requests = {name: getattr(urllib.request, name) for name in urllib.request.__all__}
    errors = {"HTTPError": urllib.error.HTTPError, "URLError": urllib.error.URLError}
    return _module("urllib2", **requests, **errors, quote=urllib.parse.quote, unquote=urllib.parse.unquote)


def _config_parser() -> dict[str, Any]:
    import configparser

    return {"SafeConfigParser": configparser.ConfigParser, "ConfigParser": configparser.RawConfigParser}


def _csv() -> dict[str, Any]:
    """Readers of files opened with "b", which was the way."""
    import csv

    def texts(lines: Iterable[Any]) -> Iterable[str]:
        for line in lines:
            yield line.decode(**files.ENCODING) if isinstance(line, bytes) else line

    class DictReader(csv.DictReader):  # type: ignore[type-arg]
        def __init__(self, lines: Any, *given: Any, **named: Any) -> None:
            super().__init__(texts(lines), *given, **named)

    return {
        "reader": lambda lines, *given, **named: csv.reader(texts(lines), *given, **named),
        "DictReader": DictReader,
    }


def _pil_image() -> dict[str, Any]:
    from PIL import Image

    old = {"ANTIALIAS": Image.Resampling.LANCZOS, "LINEAR": Image.Resampling.BILINEAR}
    return {**old, "CUBIC": Image.Resampling.BICUBIC, "fromstring": Image.frombytes}


def _pyplot() -> dict[str, Any]:
    return {"hold": lambda on=True: None, "ishold": lambda: True}


def _scipy() -> dict[str, Any]:
    from . import scipy_misc

    old = ("array", "arange", "zeros", "ones", "mean", "std", "sqrt", "exp", "log", "dot", "pi", "sum", "rand", "randn")
    found = {name: getattr(np, name) for name in old if hasattr(np, name)}
    return {**found, "misc": scipy_misc, "rand": np.random.rand, "randn": np.random.randn}


def _scipy_misc() -> ModuleType:
    from . import scipy_misc

    return scipy_misc


def _string_io() -> ModuleType:
    return _module("StringIO", StringIO=files.StringIO, InputType=files.StringIO, OutputType=files.StringIO)


def _hash(name: str) -> Callable[[], ModuleType]:
    def make() -> ModuleType:
        import hashlib

        def new(data: Any = b"") -> Any:
            return hashlib.new(name, data.encode(**files.ENCODING) if isinstance(data, str) else data)

        return _module(name, new=new, **{name: new})

    return make


def _hashlib() -> dict[str, Any]:
    """Hashes of texts."""
    import hashlib

    class Hash:
        def __init__(self, name: str, data: Any = b"") -> None:
            self._hash = hashlib.new(name)
            self.update(data)

        def update(self, data: Any) -> None:
            self._hash.update(data.encode(**files.ENCODING) if isinstance(data, str) else data)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._hash, name)

    def of(name: str) -> Callable[..., Any]:
        return lambda data=b"": Hash(name, data)

    names: dict[str, Any] = {name: of(name) for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")}
    return {**names, "new": Hash}


def _future_builtins() -> ModuleType:
    return _module("future_builtins", map=map, filter=filter, zip=zip, ascii=ascii, hex=hex, oct=oct)


def _sets() -> ModuleType:
    return _module("sets", Set=set, ImmutableSet=frozenset)


def _imp() -> ModuleType:
    from .names import reload

    def load_source(name: str, path: str, file: Any = None) -> Any:
        from . import importing

        return importing.load(name, path)

    return _module("imp", load_source=load_source, reload=reload, new_module=ModuleType)


def _skimage() -> dict[str, Any]:
    return {"filter": importlib.import_module("skimage.filters")}


def _skimage_filter() -> ModuleType:
    return importlib.import_module("skimage.filters")


def _ipython() -> ModuleType:
    return _module("IPython", display=_ipython_display())


def _ipython_display() -> ModuleType:
    """What scripts use of IPython's display where IPython is not installed: nothing is shown."""

    class Image:
        def __init__(self, *given: Any, **named: Any) -> None:
            pass

    def nothing(*given: Any, **named: Any) -> None:
        pass

    names = dict.fromkeys(("clear_output", "display"), nothing)
    return _module("IPython.display", Image=Image, HTML=Image, SVG=Image, **names)


def _module(name: str, /, **names: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(names)
    return module


_OVERLAYS: dict[str, Callable[[], dict[str, Any]]] = {
    "PIL.Image": _pil_image,
    "collections": _collections,
    "configparser": _config_parser,
    "csv": _csv,
    "hashlib": _hashlib,
    "inspect": _inspect,
    "itertools": _itertools,
    "math": _math,
    "matplotlib.pyplot": _pyplot,
    "numpy": _numpy,
    "operator": _operator,
    "os": _os,
    "os.path": _os_path,
    "posixpath": _os_path,
    "pickle": _pickle,
    "random": _random,
    "scipy": _scipy,
    "skimage": _skimage,
    "string": _string,
    "subprocess": _subprocess,
    "sys": _sys,
    "time": _time,
    "types": _types,
    "urllib": _urllib,
}
"""Names that modules of today get."""

_MADE: dict[str, Callable[[], ModuleType]] = {
    "StringIO": _string_io,
    "cStringIO": _string_io,
    "commands": _commands,
    "future_builtins": _future_builtins,
    "imp": _imp,
    "md5": _hash("md5"),
    "scipy.misc": _scipy_misc,
    "scipy.misc.pilutil": _scipy_misc,
    "sets": _sets,
    "sha": _hash("sha1"),
    "skimage.filter": _skimage_filter,
    "urllib2": _urllib2,
}
"""Modules made anew."""

WITHOUT: dict[str, Callable[[], ModuleType]] = {"IPython": _ipython, "IPython.display": _ipython_display}
"""What stands for packages that scripts import without need, where they are not installed."""

_served: dict[str, ModuleType] = {}
