"""Other modules of the standard library, with the names that Python 3 took away."""

from __future__ import annotations

import functools
import inspect
import math
import operator
import os
import re
import sys
import time
import types
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .. import files, operators
from ..byte_strings import joined
from ..methods import of_any_text
from . import binary
from .overlay import Made, Overlays, module


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
    }


def _os() -> dict[str, Any]:
    import errno

    return {"getcwdu": lambda: os.getcwd(), "errno": errno, **binary.os_functions()}


def _os_path() -> dict[str, Any]:
    def walk(top: str, visit: Callable[..., Any], given: Any) -> None:
        names = os.listdir(top)
        visit(given, top, names)
        for name in names:
            below = os.path.join(top, name)
            if os.path.isdir(below) and not os.path.islink(below):
                walk(below, visit, given)

    return {"walk": walk, **binary.paths("os.path", "walk", "supports_unicode_filenames")()}


def _string() -> dict[str, Any]:
    import string

    methods = (
        *("capitalize", "center", "count", "expandtabs", "find", "index", "ljust", "lower", "lstrip", "replace"),
        *("rfind", "rindex", "rjust", "rstrip", "split", "strip", "swapcase", "translate", "upper", "zfill"),
    )
    latin = {chr(code): chr(code) for code in range(256)}
    return {
        **{name: functools.partial(of_any_text, name) for name in methods},
        "letters": string.ascii_letters,
        "lowercase": string.ascii_lowercase,
        "uppercase": string.ascii_uppercase,
        "maketrans": lambda old, new: "".join({**latin, **dict(zip(old, new, strict=True))}.values()),
        "join": lambda words, sep=" ": joined(sep, words),
        "joinfields": lambda words, sep=" ": joined(sep, words),
        "splitfields": functools.partial(of_any_text, "split"),
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
    from ..names import BaseString, Unicode

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


def _urllib() -> dict[str, Any]:
    import urllib.parse
    import urllib.request

    names = ("quote", "quote_plus", "unquote", "unquote_plus", "urlencode")
    requests = ("urlopen", "urlretrieve", "urlcleanup", "pathname2url", "url2pathname", "getproxies")
    return {
        **{name: getattr(urllib.parse, name) for name in names},
        **{name: getattr(urllib.request, name) for name in requests},
        "basejoin": urllib.parse.urljoin,
        "urlopen": binary.urllib_request()["urlopen"],
    }


def _urllib2() -> ModuleType:
    import urllib.error
    import urllib.parse
    import urllib.request

    requests = {name: getattr(urllib.request, name) for name in urllib.request.__all__} | binary.urllib_request()
    errors = {"HTTPError": urllib.error.HTTPError, "URLError": urllib.error.URLError}
    return module("urllib2", **requests, **errors, quote=urllib.parse.quote, unquote=urllib.parse.unquote)


def _config_parser() -> dict[str, Any]:
    """Parsers that interpolate as they did, leave a lone % alone and take the last of several equal options."""
    import configparser

    class Interpolation(configparser.Interpolation):
        def before_get(self, parser: Any, section: str, option: str, value: str, defaults: Any) -> str:
            raw = value
            for _ in range(configparser.MAX_INTERPOLATION_DEPTH):
                if not isinstance(value, str) or "%(" not in value:
                    return value
                try:
                    value = re.sub(r"%\(([^)]*)\)s", lambda found: f"%({found[1].lower()})s", value) % defaults
                except KeyError as error:
                    raise configparser.InterpolationMissingOptionError(option, section, raw, error.args[0]) from None
            if "%(" in value:
                raise configparser.InterpolationDepthError(option, section, raw)
            return value

    class RawConfigParser(configparser.RawConfigParser):
        _old: Any = None

        def __init__(self, defaults: Any = None, dict_type: Any = dict, allow_no_value: bool = False) -> None:
            options: dict[str, Any] = {"strict": False, "inline_comment_prefixes": (";",), "interpolation": self._old}
            super().__init__(defaults, dict_type, allow_no_value, **options)

        def get(  # type: ignore[override]
            self, section: str, option: str, raw: bool = False, vars: Any = None, **named: Any
        ) -> Any:
            return super().get(section, option, raw=raw, vars=vars, **named)

        def items(self, section: Any = configparser._UNSET, raw: bool = False, vars: Any = None) -> Any:  # type: ignore
            return super().items(section, raw, vars)

        def set(self, section: str, option: str, value: Any = None) -> None:
            super().set(section, option, value if value is None or isinstance(value, str) else operators.text(value))

        def readfp(self, file: Any, filename: Any = None) -> None:
            self.read_file(file, filename)

    class ConfigParser(RawConfigParser):
        _old = Interpolation()

    class SafeConfigParser(ConfigParser):
        pass

    return {one.__name__: one for one in (RawConfigParser, ConfigParser, SafeConfigParser)}


def _future_builtins() -> ModuleType:
    return module("future_builtins", map=map, filter=filter, zip=zip, ascii=ascii, hex=hex, oct=oct)


def _sets() -> ModuleType:
    return module("sets", Set=set, ImmutableSet=frozenset)


def _imp() -> ModuleType:
    from ..names import reload

    def load_source(name: str, path: str, file: Any = None) -> Any:
        from .. import importing

        return importing.load(name, path)

    def find_module(name: str, path: Any = None) -> tuple[Any, str, tuple[str, str, int]]:
        """The file, its path and a description of a module of source text or a package."""
        for folder in sys.path if path is None else path:
            place = os.path.join(folder or os.curdir, name)
            if os.path.isfile(os.path.join(place, "__init__.py")):
                return None, place, ("", "", _PKG_DIRECTORY)
            if os.path.isfile(f"{place}.py"):
                return files.open_file(f"{place}.py", "U"), f"{place}.py", (".py", "U", _PY_SOURCE)
        raise ImportError(f"No module named {name}")

    def load_module(name: str, file: Any, path: str, description: Any) -> Any:
        return load_source(name, os.path.join(path, "__init__.py") if description[2] == _PKG_DIRECTORY else path)

    return module(
        "imp",
        find_module=find_module,
        load_module=load_module,
        load_source=load_source,
        reload=reload,
        new_module=ModuleType,
        acquire_lock=lambda: None,
        release_lock=lambda: None,
        PY_SOURCE=_PY_SOURCE,
        PKG_DIRECTORY=_PKG_DIRECTORY,
    )


_PY_SOURCE, _PKG_DIRECTORY = 1, 5
"""Kinds of modules in `imp`."""


def _argparse() -> dict[str, Any]:
    import argparse

    class ArgumentParser(argparse.ArgumentParser):
        """A parser that takes a version, for -v and --version."""

        def __init__(self, *given: Any, version: Any = None, **named: Any) -> None:
            super().__init__(*given, **named)
            if version is not None:
                self.add_argument("-v", "--version", action="version", version=version)

    return {"ArgumentParser": ArgumentParser}


def _threading() -> dict[str, Any]:
    import threading

    return {"_sleep": time.sleep, "currentThread": threading.current_thread}


def _user_dict() -> ModuleType:
    import collections

    class DictMixin(collections.abc.MutableMapping):  # type: ignore[type-arg]
        """A mapping of a class that has `keys` and the methods of items."""

        __hash__ = object.__hash__

        def keys(self) -> Any:
            raise NotImplementedError

        def __getitem__(self, key: Any) -> Any:
            raise KeyError(key)

        def __setitem__(self, key: Any, value: Any) -> None:
            raise NotImplementedError

        def __delitem__(self, key: Any) -> None:
            raise NotImplementedError

        def __iter__(self) -> Any:
            return iter(self.keys())

        def __len__(self) -> int:
            return len(self.keys())

        def __contains__(self, key: Any) -> bool:
            return key in self.keys()

    names = {"UserDict": collections.UserDict, "IterableUserDict": collections.UserDict}
    return module("UserDict", DictMixin=DictMixin, **names)


OVERLAYS: Overlays = {
    "argparse": _argparse,
    "threading": _threading,
    "collections": _collections,
    "configparser": _config_parser,
    "inspect": _inspect,
    "itertools": _itertools,
    "math": _math,
    "operator": _operator,
    "os": _os,
    "os.path": _os_path,
    "posixpath": _os_path,
    "string": _string,
    "sys": _sys,
    "time": _time,
    "types": _types,
    "urllib": _urllib,
}

MADE: Made = {
    "future_builtins": _future_builtins,
    "UserDict": _user_dict,
    "imp": _imp,
    "sets": _sets,
    "urllib2": _urllib2,
}
