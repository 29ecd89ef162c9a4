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
