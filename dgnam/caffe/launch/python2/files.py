"""`open` and StringIO of Python 2, where a text was bytes: files that take both.

Texts are UTF-8; bytes that are not are kept as surrogates, so that what is read and written again stays the same.
"""

from __future__ import annotations

import builtins
import io
from typing import Any

ENCODING: dict[str, Any] = {"encoding": "utf-8", "errors": "surrogateescape"}


class TextFile(io.TextIOWrapper):
    """A file opened without "b", which takes bytes too."""

    def write(self, text: Any) -> int:
        if isinstance(text, str):
            return super().write(text)
        self.flush()
        written: Any = self.buffer.write(text)
        return int(written)


class BinaryFile(io.BufferedWriter):
    """A file opened with "b", which takes texts too."""

    def write(self, data: Any) -> int:
        return super().write(data.encode(**ENCODING) if isinstance(data, str) else data)


def open_file(name: Any, mode: str = "r", buffering: int = -1) -> Any:
    """`open`: lines end with a line feed alone, except with "U"."""
    universal, mode = "U" in mode, mode.replace("U", "") or "r"
    mode = mode if mode[:1] in ("r", "w", "a") else f"r{mode}"
    if "b" in mode:
        only_writes = "+" not in mode and mode[0] != "r"
        return BinaryFile(io.FileIO(name, mode.replace("b", ""))) if only_writes else builtins.open(name, mode)
    newline = None if universal else "\n"
    return TextFile(builtins.open(name, f"{mode}b"), newline=newline, line_buffering=buffering in (0, 1), **ENCODING)


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
        super().__init__(initial.encode(**ENCODING) if isinstance(initial, str) else initial)

    def _given(self, data: bytes) -> Any:
        return data.decode(**ENCODING) if self.of_text else data

    def write(self, data: Any) -> int:
        if isinstance(data, str):
            return super().write(data.encode(**ENCODING))
        self.of_text = False
        return super().write(data)

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
