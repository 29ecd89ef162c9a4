"""`dgnam act-range`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as o
from .call import call
from .terminal import say


def act_range(
    images: Annotated[
        str,
        typer.Option(
            help="A folder of pictures, a listing with one 'path label' per line, a zip, an LMDB of Datums, or an "
            "image set such as tinyimagenet64-val."
        ),
    ],
    encoder: Annotated[
        str,
        typer.Option(help="A model of `dgnam models list`, a deploy prototxt with --weights, or package.module:name."),
    ] = "caffenet-mini",
    weights: Annotated[
        Path | None, typer.Option(help="The weights of your prototxt, or other weights for the model.")
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(help="The layer whose values are the codes; default: the one that our generators invert."),
    ] = None,
    k: Annotated[float, typer.Option("--k", help="The upper bound is mean + k standard deviations.")] = 3.0,
    root: o.Root = None,
    listing: o.Listing = None,
    data: o.Data = None,
    resize: o.ResizeHow = "stretch",
    size: o.ResizeTo = None,
    mean: o.Mean = None,
    scale: o.Scale = 1.0,
    channels: o.Channels = "BGR",
    limit: o.Limit = None,
    skip_broken: o.SkipBroken = False,
    batch_size: o.PictureBatch = 64,
    device: o.Device = "cpu",
    integers: Annotated[
        bool, typer.Option("--integers", help="Write whole numbers to the text file, as published.")
    ] = False,
    output: o.Output = Path("runs"),
    name: o.Name = None,
    executor: o.Executor = "local",
    store: o.Store = None,
    retries: o.Retries = None,
    quiet: o.Quiet = False,
) -> None:
    """Measure the act_range of an encoder's codes: mean + k standard deviations of each, over real pictures.

    The result bounds codes: dgnam synthesize … --clip runs/act-range-…-1/act_range_3x_fc6.h5
    """
    given = dict(locals())
    from ..api.act_range import act_range as measure

    found = call(measure, given)
    say(found.summary)
    say(f"==> made: {path}" for path in found.files)
