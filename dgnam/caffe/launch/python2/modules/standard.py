"""Other modules of the standard library, with the names that Python 3 took away."""

from __future__ import annotations

import inspect
import math
import operator
import sys
import time
import types
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .. import files, operators
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
    }


def _urllib2() -> ModuleType:
    import urllib.error
    import urllib.parse
    import urllib.request

    requests = {name: getattr(urllib.request, name) for name in urllib.request.__all__}
    errors = {"HTTPError": urllib.error.HTTPError, "URLError": urllib.error.URLError}
    return module("urllib2", **requests, **errors, quote=urllib.parse.quote, unquote=urllib.parse.unquote)


def _config_parser() -> dict[str, Any]:
    import configparser

    return {"SafeConfigParser": configparser.ConfigParser, "ConfigParser": configparser.RawConfigParser}


def _future_builtins() -> ModuleType:
    return module("future_builtins", map=map, filter=filter, zip=zip, ascii=ascii, hex=hex, oct=oct)


def _sets() -> ModuleType:
    return module("sets", Set=set, ImmutableSet=frozenset)


def _imp() -> ModuleType:
    from ..names import reload

    def load_source(name: str, path: str, file: Any = None) -> Any:
        from .. import importing

        return importing.load(name, path)

    return module("imp", load_source=load_source, reload=reload, new_module=ModuleType)


OVERLAYS: Overlays = {
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
    "imp": _imp,
    "sets": _sets,
    "urllib2": _urllib2,
}
