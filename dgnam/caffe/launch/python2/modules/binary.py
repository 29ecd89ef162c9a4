"""Modules of the standard library, and LMDB's, whose bytes were texts."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from .. import files
from ..byte_strings import Bytes, decoded, encoded, native, result
from .overlay import Overlays

_TEXT_OUT = (
    "b2a_",
    "b64encode",
    "b32encode",
    "b16encode",
    "encode",
    "hexlify",
    "standard_b64encode",
    "urlsafe_b64encode",
)


def taking_texts(function: Any, give: Callable[[Any], Any] = result) -> Callable[..., Any]:
    """A function of bytes, which takes texts."""

    @functools.wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        return give(function(*map(encoded, given), **{name: encoded(value) for name, value in named.items()}))

    return call


def taking_bytes(function: Any) -> Callable[..., Any]:
    """A function of texts, which takes byte strings."""

    @functools.wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        return function(*map(decoded, given), **named)

    return call


def _native(value: Any) -> Any:
    return native(value) if isinstance(value, bytes) else value


class TakesTexts:
    """An object whose methods take texts for bytes, and so for the objects that they return.

    kinds: the types of those.
    """

    def __init__(self, of: Any, kinds: tuple[type, ...] = ()) -> None:
        self._of, self._kinds = of, kinds

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._of, name)
        return taking_texts(value, self._given) if callable(value) else value

    def _given(self, value: Any) -> Any:
        if isinstance(value, self._kinds):
            return TakesTexts(value, self._kinds)
        return _copied(value) if not hasattr(value, "__next__") else map(_copied, value)

    def __enter__(self) -> Any:
        return self._given(self._of.__enter__())

    def __exit__(self, *error: Any) -> Any:
        return self._of.__exit__(*error)

    def __iter__(self) -> Any:
        return map(_copied, self._of)


def _copied(value: Any) -> Any:
    """What a call returned; a view of memory, which was a `buffer`, is its bytes."""
    if type(value) is tuple:
        return tuple(map(_copied, value))
    return Bytes(value) if isinstance(value, memoryview) else result(value)


def _of(name: str, *functions: str) -> Callable[[], dict[str, Any]]:
    """The names of a module whose functions take bytes."""

    def names() -> dict[str, Any]:
        found = importlib.import_module(name)
        return {
            one: taking_texts(getattr(found, one), _native if one.startswith(_TEXT_OUT) else result)
            for one in functions
            if hasattr(found, one)
        }

    return names


def _base64() -> dict[str, Any]:
    import base64

    every = [name for name in dir(base64) if name.endswith(("code", "codebytes")) and not name.startswith("_")]
    found = _of("base64", *every)()
    return {**found, "encodestring": found["encodebytes"], "decodestring": found["decodebytes"]}


def _zlib() -> dict[str, Any]:
    import zlib

    return {
        **_of("zlib", "compress", "decompress", "crc32", "adler32")(),
        "compressobj": lambda *given: TakesTexts(zlib.compressobj(*given)),
        "decompressobj": lambda *given: TakesTexts(zlib.decompressobj(*given)),
    }


def _struct() -> dict[str, Any]:
    import struct

    return {
        **_of("struct", "pack", "unpack", "unpack_from", "pack_into", "calcsize")(),
        "Struct": lambda form: TakesTexts(struct.Struct(form)),
    }


def _array() -> dict[str, Any]:
    import array

    class Array(array.array):  # type: ignore[type-arg]
        """An array, of bytes for characters."""

        def __new__(cls, code: str, values: Any = ()) -> Any:
            return super().__new__(cls, "B" if code == "c" else code, values if code == "u" else encoded(values))

    return {"array": Array, "ArrayType": Array}


def _io() -> dict[str, Any]:
    import io

    class BytesIO(io.BytesIO):
        """A buffer of bytes."""

        def __init__(self, initial: Any = b"") -> None:
            super().__init__(encoded(initial))

        def write(self, data: Any) -> int:
            return super().write(encoded(data))

    return {"BytesIO": BytesIO}


def os_functions() -> dict[str, Any]:
    """Those of `os` that take bytes."""
    import os
    import subprocess

    def popen2(command: Any, *_: Any) -> tuple[Any, Any]:
        shell = isinstance(command, str)
        child = subprocess.Popen(command, shell=shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return child.stdin, child.stdout

    return {"write": taking_texts(os.write), "popen2": popen2}


def paths(name: str, *left_alone: str) -> Callable[[], dict[str, Any]]:
    """The names of a module whose functions take texts."""

    def names() -> dict[str, Any]:
        found = importlib.import_module(name)
        every = [one for one in found.__all__ if one not in left_alone]
        return {one: taking_bytes(value) for one in every if _is_function(value := getattr(found, one))}

    return names


def _is_function(value: Any) -> bool:
    return callable(value) and not isinstance(value, type)


def _hmac() -> dict[str, Any]:
    import hmac

    def new(key: Any, msg: Any = None, digestmod: Any = "md5") -> Any:
        return TakesTexts(hmac.new(encoded(key), encoded(msg), digestmod))

    return {"new": new}


def _json() -> dict[str, Any]:
    """Byte strings as texts."""
    import json

    return {
        "dump": lambda value, file, *given, **named: files.write(
            file, json.dumps(_plain(value), *given, **_of_json(named))
        ),
        "dumps": lambda value, *given, **named: json.dumps(_plain(value), *given, **_of_json(named)),
        "load": lambda file, **named: json.loads(file.read(), **_of_json(named)),
        "loads": lambda text, encoding=None, **named: json.loads(text, **named),
    }


def _of_json(named: dict[str, Any]) -> dict[str, Any]:
    """Options, without that of Python 2's encoding."""
    return {name: value for name, value in named.items() if name != "encoding"}


def _plain(value: Any) -> Any:
    """A value with texts for its byte strings."""
    if isinstance(value, dict):
        return type(value)((_plain(name), _plain(one)) for name, one in value.items()) if _has_bytes(value) else value
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value] if _has_bytes(value) else value
    return decoded(value)


def _has_bytes(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_bytes(one) for pair in value.items() for one in pair)
    return any(map(_has_bytes, value)) if isinstance(value, list | tuple) else isinstance(value, bytes)


def _codecs() -> dict[str, Any]:
    """Writers and readers, which text files are already."""
    import codecs
    import io

    def on_binary(find: Callable[[str], Any]) -> Callable[[str], Callable[..., Any]]:
        def found(encoding: str) -> Callable[..., Any]:
            kind = find(encoding)
            return lambda stream, *errors: stream if isinstance(stream, io.TextIOBase) else kind(stream, *errors)

        return found

    return {"getreader": on_binary(codecs.getreader), "getwriter": on_binary(codecs.getwriter)}


def _re() -> dict[str, Any]:
    """Patterns of texts that look into bytes too, a letter for each byte."""
    import re

    def letters(value: Any) -> Any:
        return value.decode("latin-1") if isinstance(value, bytes) else value

    def made(function: Any) -> Callable[..., Any]:
        return lambda *given, **named: function(*map(letters, given), **named)

    names = ("compile", "search", "match", "split", "findall", "finditer", "sub", "subn", "escape")
    return {name: made(getattr(re, name)) for name in names}


def _lmdb() -> dict[str, Any]:
    import lmdb

    kinds = (lmdb.Environment, lmdb.Transaction, lmdb.Cursor)

    def opened(path: Any, *given: Any, **named: Any) -> Any:
        return TakesTexts(lmdb.open(path, *given, **named), kinds)

    return {"open": opened, "Environment": opened}


def urllib_request() -> dict[str, Any]:
    """Requests whose data are texts."""
    import urllib.request

    class Request(urllib.request.Request):
        def __init__(self, url: Any, data: Any = None, *given: Any, **named: Any) -> None:
            super().__init__(decoded(url), encoded(data), *given, **named)

        def add_data(self, data: Any) -> None:
            self.data = encoded(data)

    def urlopen(url: Any, data: Any = None, *given: Any, **named: Any) -> Any:
        return urllib.request.urlopen(decoded(url), encoded(data), *given, **named)

    return {"Request": Request, "urlopen": urlopen}


OVERLAYS: Overlays = {
    "array": _array,
    "base64": _base64,
    "binascii": _of("binascii", *("hexlify", "unhexlify", "b2a_hex", "a2b_hex", "b2a_base64", "a2b_base64", "crc32")),
    "bz2": _of("bz2", "compress", "decompress"),
    "codecs": _codecs,
    "glob": paths("glob"),
    "hmac": _hmac,
    "io": _io,
    "json": _json,
    "lmdb": _lmdb,
    "re": _re,
    "shutil": paths("shutil"),
    "struct": _struct,
    "zlib": _zlib,
}
