"""`dgnam neighbors`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as o
from .call import call
from .terminal import say


def neighbors(
    pictures: Annotated[
        str,
        typer.Argument(
            help="The pictures: a run of `dgnam synthesize`, a folder, a listing, a zip, an LMDB or an image set."
        ),
    ],
    target: Annotated[
        str,
        typer.Option(help="Whose layers are compared: a model, your own deploy prototxt, or package.module:name."),
    ] = "caffenet-mini",
    layers: Annotated[
        str | None,
        typer.Option(help="pixels and layers, as pixels,conv5,fc6; default: pixels and eight layers with weights."),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(
            help="The pictures to search: a folder, a listing, a zip, an LMDB or an image set. Default: those that a "
            "model of the zoo was trained on, where they are known."
        ),
    ] = None,
    k: Annotated[int, typer.Option("--k", min=1, help="Neighbors per picture and space.")] = 5,
    shift: Annotated[int, typer.Option(min=0, help="Compare pixels at all shifts up to so many.")] = 3,
    mirror: Annotated[bool, typer.Option(help="Compare pixels mirrored too.")] = True,
    weights: o.Weights = None,
    mean: o.Mean = None,
    scale: o.Scale = 1.0,
    channels: o.Channels = "BGR",
    root: o.Root = None,
    listing: o.Listing = None,
    data: o.Data = None,
    resize: o.ResizeHow = "stretch",
    size: o.ResizeTo = None,
    limit: o.Limit = None,
    skip_broken: o.SkipBroken = False,
    batch_size: o.PictureBatch = 64,
    device: o.Device = "cpu",
    output: o.Output = Path("runs"),
    name: o.Name = None,
    quiet: o.Quiet = False,
) -> None:
    """Find each picture's nearest training pictures, in pixels and in a network's layers.

    dgnam neighbors runs/caffenet-mini-fc8-187-1 --data DIR

    The distance in pixels is the least over small shifts and mirroring. `dgnam resume FOLDER` resumes an interrupted
    run.
    """
    given = dict(locals())
    from ..api.neighbors import neighbors as find

    finish(call(find, given))


def finish(found: object) -> None:
    """Print what was found."""
    say(found.summary)  # type: ignore[attr-defined]
    say([f"==> made: {found.folder}/ with grid*.png and neighbors.csv"])  # type: ignore[attr-defined]
