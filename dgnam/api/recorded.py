"""The call that a run's record holds, to be made again; no code is imported because a file names it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Any

from ..errors import DgnamError, FormatError, closest, shortened
from ..files.import_string import import_from_string
from ..runs import Record, Run
from ..runs.record import import_strings, objects_in
from .spec import NOT_RECORDED

RESUME = "resume it by the same call with resume=True"


@contextmanager
def recalled(
    run: Run, function: Callable[..., Any], passed: Mapping[str, Any], objects: str = RESUME
) -> Iterator[tuple[dict[str, Any], bool]]:
    """The keyword arguments of a run, while the working directory is the one where it was begun; see `arguments`.

    Relative paths of the record are of that directory, and those in `passed` of the one before.  Yields also whether
    the two differ.
    """
    arguments(run.record, function, run.path, passed, objects)
    from_here = {name: _absolute(value) for name, value in passed.items()}
    for name, value in passed.items():
        for code in import_strings(name, value):
            for one in filter(lambda part: ":" in part, code.split(",")):
                import_from_string(one, name)  # here, and not in the directory that a file names
    with run.in_directory() as moved:
        yield arguments(run.record, function, run.path, from_here if moved else passed, objects), moved


def arguments(
    record: Record, function: Callable[..., Any], folder: Path, passed: Mapping[str, Any], objects: str = RESUME
) -> dict[str, Any]:
    """The keyword arguments of the function that made a run.

    passed: those given again.  Code is imported, and a model replaced, where the caller says so, never because a file
        does.
    objects: what to do about arguments that were objects in Python, for the error.
    """
    spec = dict(record.spec)
    known = signature(function).parameters
    strange = [name for name in spec if name not in known or name in NOT_RECORDED]
    if strange:
        raise FormatError(f"{folder}: its record is damaged: '{record.task}' takes no '{strange[0]}'")
    unknown = [name for name in passed if name not in spec]
    if unknown:
        raise DgnamError(f"a run of '{record.task}' has no {unknown[0]}; it has {closest(unknown[0], spec, limit=20)}")
    for name, value in spec.items():
        code = next(import_strings(name, value), None)
        if code is not None and name not in passed:
            raise DgnamError(f"{folder} was begun with the {name} {code}: pass it again, --{name} {shlex.quote(code)}")
    if spec.get("replace") and "replace" not in passed:
        raise DgnamError(f"{folder} was begun to replace a model that exists: pass --replace again")
    lacking = sorted(name for name in objects_in(spec) if name not in passed)
    if lacking:
        raise DgnamError(f"{folder} was begun in Python with {', '.join(lacking)} as an object: {objects}")
    try:
        signature(function).bind(**spec, folder=folder, resume=True, progress=True)
    except TypeError as error:
        raise FormatError(f"{folder}: its record is damaged: {record.task}: {shortened(str(error))}") from None
    return {**spec, **passed}


def _absolute(value: Any) -> Any:
    """What a file or folder given again is called in any directory."""
    is_path = isinstance(value, Path) or (isinstance(value, str) and os.path.isfile(value))
    return os.path.abspath(value) if is_path else value
