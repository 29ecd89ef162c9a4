"""Python 2 run in the tests' own process."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from dgnam.caffe.launch.python2 import importing, runtime


def run(source: str | bytes, **names: Any) -> dict[str, Any]:
    """The names of a module after it was run."""
    space = {"__name__": "translated", "__builtins__": importing.BUILTINS, **names}
    exec(importing.translated(source, "translated.py"), space)
    return space


def printed(source: str | bytes, **names: Any) -> str:
    """What a module prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        run(source, **names)
        runtime.flush_line()
    return out.getvalue()


def cases(text: str) -> list[tuple[str, str]]:
    """Sources and what they print: each a source, a line `----` and the output, with a line `====` between cases."""
    found = []
    for case in text.strip("\n").split("\n====\n"):
        source, _, shown = case.partition("\n----\n")
        found.append((f"{source}\n", f"{shown}\n" if shown else ""))
    return found
