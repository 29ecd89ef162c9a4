"""Read text files of any origin: UTF-8 with or without a byte order mark, UTF-16, and the line ends of any system."""

from __future__ import annotations

import codecs
import re

from ..errors import FormatError
from .paths import StrPath, existing_file, foreign_format

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_LINE_END = re.compile("\r\n|\r|\n")


def read_text(path: StrPath, most_bytes: int, what: str, *, any_bytes: bool = False) -> str:
    """The text of a file, its line ends as they are.

    most_bytes: larger files are refused.
    what: the file should be, as errors call it: "a table of scores".
    any_bytes: keep bytes that are no UTF-8, as `surrogateescape` does, where only ASCII matters.
    Raises FormatError for what is no text, with the line and the byte.
    """
    file = existing_file(path)
    size = file.stat().st_size
    if size > most_bytes:
        raise FormatError(f"{file}: {size} bytes are too many for {what} (at most {most_bytes})")
    return decode(file.read_bytes(), file, what, any_bytes=any_bytes)


def decode(content: bytes, source: StrPath, what: str, *, any_bytes: bool = False) -> str:
    """The text in a file's bytes; see `read_text`.  source: the file, for errors."""
    kind = foreign_format(content[:512])
    if kind is not None:
        hint = ", as .xlsx files are" if kind == "a zip archive" else ""
        raise FormatError(f"{source}: is {kind}{hint}, not {what}")
    mark = next((mark for mark in _MARKS if content.startswith(mark)), b"")
    encoding = _MARKS[mark] if mark else _encoding(content[:512])
    if encoding is None:
        raise FormatError(f"{source}: is not a text, so not {what}: it holds zero bytes")
    errors = "surrogateescape" if any_bytes and encoding == "utf-8" else "strict"
    try:
        return content[len(mark) :].decode(encoding, errors).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[len(mark) : len(mark) + error.start].decode(encoding, "replace")
        line, byte = len(split_lines(f"{before}x")), error.object[error.start]
        raise FormatError(
            f"{source}, line {line}: is not a text in {encoding.upper()} (byte 0x{byte:02x}), so not {what}; save it "
            "as UTF-8"
        ) from None


def split_lines(text: str) -> list[str]:
    """The lines, ended by \\n, \\r\\n or \\r; no other character ends one, as in `str.splitlines`."""
    lines = _LINE_END.split(text)
    return lines[:-1] if lines[-1] == "" else lines


def read_lines(path: StrPath, most_bytes: int, what: str) -> list[str]:
    """The lines of a text file; see `read_text`."""
    return split_lines(read_text(path, most_bytes, what))


def _encoding(head: bytes) -> str | None:
    """The encoding of a text without a mark, by where its zero bytes are; None for what is no text."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if not even and not odd:
        return "utf-8"
    if min(even, odd) or max(even, odd) < 0.8 * (len(head) // 2):
        return None
    return "utf-16-le" if odd else "utf-16-be"
