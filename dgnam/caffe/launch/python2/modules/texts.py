"""Modules of the standard library that took texts for bytes, and bytes for texts."""

from __future__ import annotations

import io
import pickle
import subprocess
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from .. import files
from ..byte_strings import ENCODING, decoded, encoded, native
from .overlay import Made, Overlays, module


def _pickle() -> dict[str, Any]:
    """Pickles of Python 2: its texts as Latin-1; files opened without "b" too."""

    def bytes_of(file: Any) -> Any:
        return binary if (binary := files.binary(file)) is not file else _AsBytes(file)

    def load(file: Any) -> Any:
        return _Unpickler(bytes_of(file), encoding="latin1").load()

    def loads(data: Any) -> Any:
        return _Unpickler(io.BytesIO(encoded(data)), encoding="latin1").load()

    def dump(value: Any, file: Any, protocol: Any = 0) -> None:
        data = dumps(value, protocol)
        file.write(data)

    def dumps(value: Any, protocol: Any = 0) -> bytes:
        return pickle.dumps(value, 2 if protocol is None or protocol < 0 or protocol > 2 else protocol)

    def pickler(file: Any, protocol: Any = 0) -> Any:
        return pickle.Pickler(file, 2 if protocol is None or protocol < 0 or protocol > 2 else protocol)

    def unpickler(file: Any, **named: Any) -> Any:
        return _Unpickler(bytes_of(file), **{"encoding": "latin1", **named})

    names: dict[str, Any] = {"load": load, "loads": loads, "dump": dump, "dumps": dumps, "HIGHEST_PROTOCOL": 2}
    return {
        **names,
        "Pickler": pickler,
        "Unpickler": unpickler,
        "BadPickleGet": KeyError,
        "UnpickleableError": pickle.PicklingError,
    }


class _Unpickler(pickle.Unpickler):
    """Reads bytes that were pickled for Python 2 as its byte strings."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):
            return lambda text, encoding: native(text.encode(encoding))
        return super().find_class(module, name)


class _AsBytes:
    """A file that gives bytes to `pickle`, also where it gives texts."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def read(self, size: int = -1) -> bytes:
        return bytes(encoded(self.file.read(size)))

    def readline(self) -> bytes:
        return bytes(encoded(self.file.readline()))


def _subprocess() -> dict[str, Any]:
    """Pipes that take texts and bytes; what is read is a text where it is UTF-8."""
    newlines = ("universal_newlines", "text", "encoding")

    class Popen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *given: Any, **named: Any) -> None:
            self._texts = any(named.get(name) for name in newlines)
            super().__init__(*given, **({**ENCODING, **named} if self._texts else named))
            if not self._texts:
                self.stdin, self.stdout, self.stderr = map(_both, (self.stdin, self.stdout, self.stderr), "wrr")

        def communicate(self, input: Any = None, timeout: Any = None) -> Any:
            given = decoded(input) if self._texts else encoded(input)
            return tuple(map(_text_of, super().communicate(given, timeout)))

    def check_output(*given: Any, **named: Any) -> Any:
        try:
            return _text_of(subprocess.check_output(*given, **named))
        except subprocess.CalledProcessError as error:
            error.output = _text_of(error.output)
            raise

    return {"Popen": Popen, "check_output": check_output}


def _both(pipe: Any, mode: str) -> Any:
    return None if pipe is None else files.TextFile(pipe, mode, False)


def _text_of(data: Any) -> Any:
    return files.text(data) if isinstance(data, bytes) else data


def _commands() -> ModuleType:
    status: Callable[[str], Any] = lambda command: _waited(subprocess.getstatusoutput(command))  # noqa: E731
    return module("commands", getoutput=subprocess.getoutput, getstatusoutput=status, mkarg=lambda text: f" {text!r}")


def _waited(found: tuple[int, str]) -> tuple[int, str]:
    """The exit status as `os.wait` gives it."""
    return (found[0] << 8 if found[0] >= 0 else -found[0]), found[1]


def _csv() -> dict[str, Any]:
    """Readers of files opened with "b", which was the way."""
    import csv

    def texts(lines: Iterable[Any]) -> Iterable[str]:
        for line in lines:
            yield decoded(line)

    class DictReader(csv.DictReader):  # type: ignore[type-arg]
        def __init__(self, lines: Any, *given: Any, **named: Any) -> None:
            super().__init__(texts(lines), *given, **named)

    return {
        "reader": lambda lines, *given, **named: csv.reader(texts(lines), *given, **named),
        "DictReader": DictReader,
    }


def _string_io() -> ModuleType:
    return module("StringIO", StringIO=files.StringIO, InputType=files.StringIO, OutputType=files.StringIO)


def _hash(name: str) -> Callable[[], ModuleType]:
    def make() -> ModuleType:
        import hashlib

        def new(data: Any = b"") -> Any:
            return hashlib.new(name, encoded(data))

        return module(name, new=new, **{name: new})

    return make


def _hashlib() -> dict[str, Any]:
    """Hashes of texts."""
    import hashlib

    class Hash:
        def __init__(self, name: str, data: Any = b"") -> None:
            self._hash = hashlib.new(name)
            self.update(data)

        def update(self, data: Any) -> None:
            self._hash.update(encoded(data))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._hash, name)

    def of(name: str) -> Callable[..., Any]:
        return lambda data=b"": Hash(name, data)

    names: dict[str, Any] = {name: of(name) for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")}
    return {**names, "new": Hash}


OVERLAYS: Overlays = {
    "csv": _csv,
    "hashlib": _hashlib,
    "pickle": _pickle,
    "subprocess": _subprocess,
}

MADE: Made = {
    "StringIO": _string_io,
    "cStringIO": _string_io,
    "commands": _commands,
    "md5": _hash("md5"),
    "sha": _hash("sha1"),
}
