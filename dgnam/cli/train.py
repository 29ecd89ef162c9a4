"""`dgnam train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..runs.interrupt import STOPPED
from . import options as o
from .call import call
from .terminal import say


def train(
    model: Annotated[str, typer.Argument(help="A small model such as caffenet-mini, or a solver.prototxt.")],
    data: o.Data = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", "--run", help="The folder of checkpoints; default: runs/train-NAME.")
    ] = None,
    device: o.Device = "cpu",
    weights: Annotated[
        Path | None, typer.Option(help="With a solver.prototxt: initial weights, for fine-tuning.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="With a solver.prototxt: bfloat16 or float32. Default: the faster.")
    ] = None,
    adversarial_radius: Annotated[
        float | None,
        typer.Option(help="With a solver.prototxt: train adversarially, changing pictures by so many gray levels."),
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(help="Stop at a checkpoint after so many minutes; the same command resumes.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the small model that exists.")] = False,
    quiet: o.Quiet = False,
) -> None:
    """Train a small model, or resume from its checkpoint, and store it with its card in models/.

    An intermediate model such as caffenet-mini-4000 is taken from the run folder of the full training, which is
    trained that far if necessary.

    With the path of a solver.prototxt, train its net; the weights are stored as a caffemodel beside the checkpoints.
    """
    given = dict(locals())
    from ..api.train import train as train_model

    given["resume"] = None
    finish(call(train_model, given))


def finish(found: Any) -> None:
    """Print what a training came to; one that stopped at a checkpoint ends the command with a status of its own."""
    say(found.summary)
    if found.made is None:
        raise typer.Exit(STOPPED)
