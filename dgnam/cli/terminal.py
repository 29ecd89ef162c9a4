"""Text for a terminal: names out of files can't move its cursor or change its colors."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable

from ..errors import DgnamError


def open_streams() -> None:
    """Open what the caller closed of the three standard streams, so that no file of a run gets their numbers."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115  (as long as the program runs)


def printable(text: str) -> str:
    """The text with control characters and marks of direction spelt out, as \\x1b."""
    return "".join(letter if _harmless(letter) else _spelt(letter) for letter in text)


def say(lines: Iterable[str], *, aside: bool = False) -> None:
    """Print lines on standard output; aside, on standard error, for what is told on the way."""
    stream = sys.stderr if aside else sys.stdout
    for line in lines:
        print(printable(line), file=stream, flush=aside)
    stream.flush()  # what follows may take hours


REPORTED = (DgnamError, OSError, MemoryError)
"""Errors of the user or the machine, which are told in a line; others are faults of the program."""


def report(error: BaseException) -> str:
    """The line that tells one of the errors that are REPORTED."""
    if isinstance(error, OSError) and not isinstance(error, DgnamError):
        reason = error.strerror if error.strerror else str(error)
        return reason if error.filename is None else f"{error.filename}: {reason}"
    if isinstance(error, MemoryError):
        return "out of memory; give a smaller --batch-size"
    return str(error)


def complain(text: str) -> None:
    """Print an error on standard error."""
    print(f"dgnam: {printable(text)}", file=sys.stderr)


def warn(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    """Show a warning as one line on standard error; replaces `warnings.showwarning`."""
    print(f"dgnam: {printable(str(message))}", file=sys.stderr)


def _harmless(letter: str) -> bool:
    return letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _spelt(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
