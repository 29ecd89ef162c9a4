"""`dgnam resume`: resume any run from its record."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import DgnamError, FormatError, closest, shortened
from ..files.import_string import import_from_string
from ..runs import Record, Run
from ..runs.record import objects_in
from . import neighbors, occlusion, reproduce, top_images, train
from . import options as o
from .call import call, finish

TASKS: dict[str, tuple[str, Callable[[Any], None]]] = {
    "visualize": ("dgnam.api.visualize", finish),
    "evolve": ("dgnam.api.evolve", finish),
    "tune": ("dgnam.api.tune", finish),
    "act_range": ("dgnam.api.act_range", finish),
    "top_images": ("dgnam.api.top_images", top_images.finish),
    "occlusion": ("dgnam.api.occlusion", occlusion.finish),
    "neighbors": ("dgnam.api.neighbors", neighbors.finish),
    "train": ("dgnam.api.train", train.finish),
    "reproduce": ("dgnam.experiments", reproduce.finish),
}
"""By task, the module of the function that does it, which has the task's name, and what prints its result."""


def resume(
    folder: Annotated[Path, typer.Argument(help="The run's folder.")],
    target: Annotated[
        str | None, typer.Option(help="The run's target again, if it was package.module:name; it is imported and run.")
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="The run's encoder again, if it was package.module:name; it is imported and run.")
    ] = None,
    score: Annotated[
        str | None, typer.Option(help="The run's score again, if it was package.module:name; it is imported and run.")
    ] = None,
    generations: Annotated[
        int | None, typer.Option(min=1, help="For an evolution: the total number of generations.")
    ] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="For a tuning: the total number of trials.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the model that exists, again, if the training was begun so.")
    ] = False,
    data: o.Data = None,
    quiet: o.Quiet = False,
) -> None:
    """Resume an interrupted run; finished chunks are kept, and the result is bit-identical to an uninterrupted run.

    Relative paths are taken from the directory where the run was begun.
    """
    run = Run.open(folder)
    record = run.record
    if record.task not in TASKS:
        where = f"; dgnam evolve ask {folder}" if record.task == "search" else ""
        raise DgnamError(f"cannot resume {folder}: it holds a run of '{record.task}'{where}")
    again: dict[str, Any] = {"target": target, "encoder": encoder, "score": score, "data": data}
    again |= {"generations": generations, "trials": trials, "replace": replace or None}
    module, show = TASKS[record.task]
    function = getattr(import_module(module), record.task)
    again = {name: value for name, value in again.items() if value is not None}
    arguments(record, function, folder, again)
    place, from_here = folder.resolve(), {name: absolute(value) for name, value in again.items()}
    for name, value in again.items():
        for code in imports(name, value):
            for one in filter(lambda part: ":" in part, code.split(",")):
                import_from_string(one, name)  # here, and not in the directory that a file names
    with run.in_directory() as moved:
        given = arguments(record, function, folder, from_here if moved else again)
        show(call(function, {**given, "folder": place if moved else folder, "resume": True, "quiet": quiet}))


def absolute(value: Any) -> Any:
    """What a file or folder passed with the command is called in any directory."""
    is_path = isinstance(value, Path) or (isinstance(value, str) and os.path.isfile(value))
    return os.path.abspath(value) if is_path else value


def arguments(record: Record, function: Callable[..., Any], folder: Path, again: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of a run to resume.

    again: those passed with the command.  Code is imported, and a model replaced, where the command says so, never
        because a file does.
    """
    from ..api.spec import NOT_RECORDED

    spec = dict(record.spec)
    known = signature(function).parameters
    strange = [name for name in spec if name not in known or name in NOT_RECORDED]
    if strange:
        raise FormatError(f"{folder}: its record is damaged: '{record.task}' takes no '{strange[0]}'")
    unknown = [name for name in again if name not in spec]
    if unknown:
        raise DgnamError(f"a run of '{record.task}' has no {unknown[0]}; it has {closest(unknown[0], spec, limit=20)}")
    for name, value in spec.items():
        code = next(imports(name, value), None)
        if code is not None and name not in again:
            raise DgnamError(f"{folder} was begun with the {name} {code}: pass it again, --{name} {code}")
    if spec.get("replace") and "replace" not in again:
        raise DgnamError(f"{folder} was begun to replace a model that exists: pass --replace again")
    objects = [name for name in objects_in(spec) if name not in again]
    if objects:
        raise DgnamError(
            f"{folder} was begun in Python with {', '.join(objects)} as an object: resume "
            "it by the same call with resume=True"
        )
    try:
        signature(function).bind(**spec, folder=folder, resume=True, progress=True)
    except TypeError as error:
        raise FormatError(f"{folder}: its record is damaged: {record.task}: {shortened(str(error))}") from None
    return {**spec, **again}


def imports(name: str, value: object) -> Iterator[str]:
    """The import strings in an argument; a colon stands in no model's name, and no file is opened to know.

    A target or encoder may be several by name, and be one of them.  A prototxt's path may have a colon, and a score is
    no path.
    """
    if isinstance(value, Mapping):
        for part in value.values():
            yield from imports(name, part)
    elif isinstance(value, str) and ":" in value:
        prototxt = value.endswith((".prototxt", ".pbtxt"))
        if name == "score" or (name in ("target", "encoder") and not prototxt):
            yield value
