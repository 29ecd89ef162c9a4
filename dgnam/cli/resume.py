"""`dgnam resume`: resume any run from its record."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from importlib import import_module
from inspect import signature
from typing import Annotated, Any

import typer

from ..errors import DgnamError
from ..runs import Run
from ..runs.executor import open_executor
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
    "again": ("dgnam.api.again", finish),
    "train": ("dgnam.api.train", train.finish),
    "reproduce": ("dgnam.experiments", reproduce.finish),
}
"""By task, the module of the function that does it, which has the task's name, and what prints its result."""


def resume(
    folder: o.RunFolder,
    target: o.TargetAgain = None,
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
    executor: o.Executor = "local",
    store: o.Store = None,
    retries: o.Retries = None,
    quiet: o.Quiet = False,
) -> None:
    """Resume an interrupted run; finished chunks are kept, and the result is bit-identical to an uninterrupted run.

    Relative paths are taken from the directory where the run was begun.
    """
    from ..api.recorded import recalled

    run = Run.open(folder)
    record = run.record
    if record.task not in TASKS:
        where = f"; dgnam evolve ask {shlex.quote(str(folder))}" if record.task == "search" else ""
        raise DgnamError(f"cannot resume {folder}: it holds a run of '{record.task}'{where}")
    again: dict[str, Any] = {"target": target, "encoder": encoder, "score": score, "data": data}
    again |= {"generations": generations, "trials": trials, "replace": replace or None}
    module, show = TASKS[record.task]
    function = getattr(import_module(module), record.task)
    executed = "executor" in signature(function).parameters
    if not executed and (executor, store, retries) != ("local", None, None):
        raise DgnamError(f"{folder}: a run of '{record.task}' is made by this process alone: leave the executor out")
    maker = open_executor(executor, store, retries)  # a folder as store is of the directory here
    passed = {name: value for name, value in again.items() if value is not None}
    place = folder.resolve()
    with recalled(run, function, passed) as (given, moved):
        how: dict[str, Any] = {"folder": place if moved else folder, "resume": True, "quiet": quiet}
        show(call(function, {**given, **how, **({"executor": maker} if executed else {})}))
