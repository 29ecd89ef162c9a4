"""Begin a run in a new folder, or resume the one that a folder holds; an interrupt says how to resume."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import DgnamError
from ..files.paths import StrPath
from ..runs import Interrupted, Record, Run


def begin(
    record: Record, *, folder: StrPath | None, output: StrPath | None, name: str, resume: bool = False
) -> Run | None:
    """The run in `folder` or in a new folder of `output`; None where both are None.

    resume: resume the run that `folder` holds, which must be the same: differences are a DgnamError that names
        them, other versions a warning.
    """
    if resume:
        if folder is None:
            raise DgnamError("resume needs the folder of a run")
        run = Run.open(folder)
        for warning in run.record.check_same(record, Path(folder)):
            warnings.warn(warning, stacklevel=3)
        run.extend(record.spec)
        return run
    if folder is not None:
        return Run.create_at(folder, record)
    return None if output is None else Run.create(output, name, record)


@contextmanager
def at_work(
    run: Run, total: int | None = None, unit: str = "chunks", executor: str | None = None, **details: Any
) -> Iterator[None]:
    """While this lasts no other process may write to the run; the message of an interrupt says how to resume it.

    total, unit, executor, details: how much the run does in all, of what, who makes it, and what else its log says; see
        `Run.exclusive`.
    """
    try:
        with run.exclusive(total, unit, executor, **details):
            yield
    except KeyboardInterrupt as error:
        stop = error if isinstance(error, Interrupted) else Interrupted("stopped")
        stop.folder = run.path
        raise stop from None
