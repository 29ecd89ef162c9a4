"""What a reader may do with a hostile file: read it, or refuse it with an error that names it, soon and in little room.

A format is a module `fuzz_<format>` with
    FILE        the name of its files, or their path where they lie in a folder that errors may name instead
    seeds()     small valid files
    read(path)  what is put to the test
"""

from __future__ import annotations

import importlib
import resource
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from dgnam.errors import DgnamError, FormatError

SECONDS = 10
"""A file of a few kilobytes that takes longer counts as a hang."""

MEGABYTES = 512
"""What one such file may add to the process's largest size so far."""

_LONGEST_MESSAGE = 10_000


class Finding(AssertionError):  # noqa: N818 (what fuzzers call it)
    """A reader did with a file what it may not do; `mark` tells findings apart."""

    def __init__(self, mark: str, detail: str):
        super().__init__(f"{mark}\n{detail}")
        self.mark = mark


def formats() -> list[str]:
    """The formats that there is a target for, by name."""
    return sorted(path.stem.removeprefix("fuzz_") for path in Path(__file__).parent.glob("fuzz_*.py"))


def target(name: str) -> ModuleType:
    """The module of a format."""
    return importlib.import_module(f"tests.fuzz.fuzz_{name}")


def seeds(name: str) -> Sequence[bytes]:
    """Small valid files of a format."""
    made: Sequence[bytes] = target(name).seeds()
    return made


def examine(module: ModuleType, path: Path) -> str | None:
    """Have `module` read `path`; returns its complaint, None where it read the file, and raises Finding."""
    start, before = time.monotonic(), _peak()
    complaint = _complaint(module, path)
    seconds, grown = time.monotonic() - start, _peak() - before
    if seconds > SECONDS:
        raise Finding("slow", f"{seconds:.1f} s")
    if grown > MEGABYTES:
        raise Finding("large", f"{grown} MB")
    return complaint


def _complaint(module: ModuleType, path: Path) -> str | None:
    try:
        module.read(path)
    except DgnamError as error:
        message = str(error)
        if not isinstance(error, FormatError):
            raise Finding(f"no format error: {_place(error)}", message) from error
        if str(path if "/" not in module.FILE else path.parent) not in message:
            raise Finding(f"unnamed: {_place(error)}", message) from error
        if len(message) > _LONGEST_MESSAGE:
            raise Finding(f"endless: {_place(error)}", message[:_LONGEST_MESSAGE]) from error
        if "nable to allocate" in message:
            raise Finding(f"memory: {_place(error)}", message) from error
        return message
    except Exception as error:
        detail = "".join(traceback.format_exception(error))
        raise Finding(f"{type(error).__name__}: {_place(error)}", detail) from error
    return None


def _place(error: Exception) -> str:
    """The innermost place in our own code."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "dgnam" in Path(frame.filename).parts] or list(frames)
    return f"{Path(ours[-1].filename).name}:{ours[-1].name}:{ours[-1].lineno}"


def _peak() -> int:
    """The largest size of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
