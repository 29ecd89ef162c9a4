"""`open` and StringIO of Python 2, where a text was bytes: files that take both.

What is read from a text file is a text where it is UTF-8, else bytes; sizes and places count bytes.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import io
import tempfile
import weakref
from typing import Any

from .byte_strings import ENCODING, Bytes, decoded, encoded, result


class _BothKinds:
    """A binary file that takes texts too, and whose lines are byte strings."""

    def write(self, data: Any) -> int:
        return int(super().write(encoded(data)))  # type: ignore[misc]

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __next__(self) -> Any:
        return result(super().__next__())  # type: ignore[misc]


class _Reader(_BothKinds, io.BufferedReader):
    pass


class _Writer(_BothKinds, io.BufferedWriter):
    pass


class _ReaderAndWriter(_BothKinds, io.BufferedRandom):
    pass


class TextFile(io.TextIOBase):
    """A file opened without "b", on top of one that was opened with it."""

    encoding = ENCODING["encoding"]
    errors = ENCODING["errors"]
    newlines = None

    def __init__(self, buffer: Any, mode: str, by_line: bool) -> None:
        self.buffer, self.mode, self.name, self._by_line = buffer, mode, buffer.name, by_line

    def write(self, text: Any) -> int:
        written = self.buffer.write(encoded(text))
        if self._by_line:
            self.buffer.flush()
        return int(written)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def read(self, size: Any = -1, /) -> Any:
        return text(self.buffer.read(size))

    def readline(self, size: Any = -1, /) -> Any:
        return text(self.buffer.readline(size))

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return int(self.buffer.seek(offset, whence))

    def tell(self) -> int:
        return int(self.buffer.tell())

    def truncate(self, size: Any = None, /) -> int:
        return int(self.buffer.truncate(size))

    def flush(self) -> None:
        if not self.buffer.closed:
            self.buffer.flush()

    def close(self) -> None:
        self.buffer.close()

    @property
    def closed(self) -> bool:
        return bool(self.buffer.closed)

    def fileno(self) -> int:
        return int(self.buffer.fileno())

    def isatty(self) -> bool:
        return bool(self.buffer.isatty())

    def readable(self) -> bool:
        return bool(self.buffer.readable())

    def writable(self) -> bool:
        return bool(self.buffer.writable())

    def seekable(self) -> bool:
        return bool(self.buffer.seekable())


class _UniversalFile(io.TextIOWrapper):
    """A file opened with "U"."""

    def write(self, text: Any) -> int:
        return super().write(decoded(text))


FILES = (io.IOBase, tempfile._TemporaryFileWrapper)
"""The types of files, of Python 2 or not."""
KINDS = (_Reader, _Writer, _ReaderAndWriter, TextFile, _UniversalFile)
"""The types of what `open_file` opens."""


def text(data: bytes) -> Any:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return Bytes(data)


def open_file(name: Any, mode: str = "r", buffering: int = -1) -> Any:
    """`open`: lines end with a line feed alone, except with "U"."""
    universal, plain = "U" in mode, mode.replace("U", "").replace("b", "").replace("t", "") or "r"
    plain = plain if plain[:1] in ("r", "w", "a") else f"r{plain}"
    if universal:
        return _UniversalFile(builtins.open(name, f"{plain}b"), newline=None, **ENCODING)
    kind = _ReaderAndWriter if "+" in plain else _Reader if plain[0] == "r" else _Writer
    file = kind(io.FileIO(name, plain))
    if kind is not _Reader:
        _open.add(file)
    return file if "b" in mode else TextFile(file, mode, buffering in (0, 1))


_open: weakref.WeakSet[Any] = weakref.WeakSet()
"""The files that are being written."""


@atexit.register
def flush_all() -> None:
    """Write out what files that nobody closed still hold, as C does when a process ends."""
    for file in list(_open):
        with contextlib.suppress(OSError, ValueError):
            file.flush()


def write(file: Any, data: Any) -> Any:
    """`file.write(data)` for files of both kinds."""
    inner = getattr(file, "file", file) if isinstance(file, tempfile._TemporaryFileWrapper) else file
    if isinstance(inner, io.TextIOBase):
        data = data if isinstance(inner, TextFile) else decoded(data)
    elif isinstance(inner, io.IOBase):
        data = data if isinstance(inner, StringIO) else encoded(data)
    return file.write(data)


def binary(file: Any) -> Any:
    """A file that gives bytes, where there is one below a text file."""
    return getattr(file, "buffer", file) if isinstance(file, io.TextIOBase) else file


class _FileKind(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, io.IOBase)

    def __call__(cls, *given: Any, **named: Any) -> Any:
        return open_file(*given, **named)


class File(metaclass=_FileKind):
    """`file`: the type of open files, and another name of `open`."""


class StringIO(io.BytesIO):
    """A buffer of bytes; what it is asked for is a text while only texts were put into it."""

    def __init__(self, initial: Any = "") -> None:
        self.of_text = isinstance(initial, str)
        super().__init__(encoded(initial))

    def _given(self, data: bytes) -> Any:
        return text(data) if self.of_text else data

    def write(self, data: Any) -> int:
        self.of_text = self.of_text and isinstance(data, str)
        return super().write(encoded(data))

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def getvalue(self) -> Any:
        return self._given(super().getvalue())

    def read(self, size: Any = -1, /) -> Any:
        return self._given(super().read(size))

    def readline(self, size: Any = -1, /) -> Any:
        return self._given(super().readline(size))

    def readlines(self, size: Any = -1, /) -> Any:
        return [self._given(line) for line in super().readlines(size)]

    def __next__(self) -> Any:
        return self._given(super().__next__())
