"""What can be done next with a run: resume it, or repeat it where it is finished."""

from __future__ import annotations

import shlex
from pathlib import Path

from .. import __all__ as functions
from .record import RECORD, Record, objects_in, resume_command


def next_step(folder: Path, record: Record, state: str) -> tuple[str, str]:
    """What is done next with the run in a folder, as "resume it", and the command or the call in Python that does it.

    state: as `Summary` has it.
    """
    place = shlex.quote(str(folder))
    if record.task == "search":
        return "go on", f"dgnam evolve ask {place}, and dgnam evolve tell {place}"
    if (folder.resolve().parent / RECORD).is_file():
        return "it is a step of another run", f"dgnam show {shlex.quote(str(folder.parent))}"
    arguments = ", ".join(f"{name}={value!r}" for name, value in record.spec.items() if value is not None)
    call = f"{function_of(record.task)}({arguments})"
    if state == "finished":
        return "repeat it in Python", call
    if objects_in(record.spec):
        return f"resume it in Python, with folder={str(folder)!r} and resume=True", call
    return "resume it", resume_command(folder)


def function_of(task: str) -> str:
    """What a Python program calls a task's function, after `import` of all but its last name."""
    if task in functions:
        return f"dgnam.{task}"
    return "dgnam.experiments.reproduce" if task == "reproduce" else f"dgnam.api.{task}.{task}"
