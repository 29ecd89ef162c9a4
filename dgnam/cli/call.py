"""Calling a function of `dgnam.api` with a command's options."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import typer

from ..errors import DgnamError, NotClimbedWarning
from ..runs.executor import open_executor
from ..runs.interrupt import Interrupted
from .terminal import complain, say

Found = TypeVar("Found")


def call(function: Callable[..., Found], given: Mapping[str, Any]) -> Found:
    """The function's result for the options of a command; `quiet` is its `progress`.

    `executor`, `store` and `retries` are its executor together.

    After Ctrl-C or SIGTERM the user is told how to go on, and the command ends with the status that shells expect.
    """
    arguments = {key: value for key, value in given.items() if key != "quiet"}
    if "executor" in arguments:
        store, retries = arguments.pop("store", None), arguments.pop("retries", None)
        arguments["executor"] = open_executor(arguments["executor"], store, retries)
    warnings.simplefilter("ignore", NotClimbedWarning)  # it stands in the summary
    try:
        return function(**arguments, progress=not given["quiet"]) if "quiet" in given else function(**arguments)
    except Interrupted as stop:
        complain(str(stop))
        raise typer.Exit(stop.status) from None


def finish(found: Any) -> None:
    """Print what a run came to."""
    say(found.summary)
    say([f"==> made: {found.folder}/"])


def numbers(name: str, text: str | None, kind: type[int] | type[float]) -> list[Any] | Any:
    """The value of an option: one number, or several with commas between; None where it is left out."""
    if text is None:
        return None
    try:
        found = [kind(part) for part in text.split(",")]
    except ValueError:
        example = "200, or 50,100,200" if kind is int else "8, or 2,4,8"
        raise DgnamError(f"--{name.replace('_', '-')} '{text}': give {example}") from None
    return found if len(found) > 1 else found[0]


def bounds(text: str | None) -> list[Any] | None:
    """The range in an option: `1,32`, or `1,32,log` to draw evenly by the logarithm; `tune` says where it is none."""
    return None if text is None else [_number(part.strip()) for part in text.split(",")]


def _number(text: str) -> int | float | str:
    """A number as Python has it, or the text where it is none."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text
