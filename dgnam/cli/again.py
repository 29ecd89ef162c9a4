"""`dgnam again`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from . import options as o
from .call import call, finish
from .synthesize import Movies


def again(
    run: Annotated[Path, typer.Argument(help="The folder of a run of synthesize or sweep.")],
    job: Annotated[int, typer.Option(min=0, help="Which picture, counted from 0; summary.csv has the numbers.")],
    target: o.TargetAgain = None,
    movies: Movies = None,
    every: Annotated[
        int | None, typer.Option(min=1, help="Steps between a movie's frames; default: the run's.")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="A movie's frames per second; default: the run's.")] = None,
    output: o.Output = Path("runs"),
    name: o.Name = None,
    quiet: o.Quiet = False,
) -> None:
    """Make a picture of a run again as it was, with a movie (a GIF by default), in a new folder.

    dgnam again runs/caffenet-mini-fc8-187-1 --job 3

    The whole batch that the picture was in is repeated, with the run's number of threads, since its last digits may
    depend on them. The run's own picture is compared with it.
    """
    given: dict[str, Any] = dict(locals())
    from ..api.again import again as make_again

    finish(call(make_again, {**given, "movies": movies or None}))
