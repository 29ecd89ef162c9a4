"""`dgnam occlusion`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as o
from .call import call
from .terminal import say


def occlusion(
    target: o.Target,
    objective: o.Units,
    images: o.Images = None,
    k: o.PicturesPerUnit = 9,
    occluder: Annotated[
        int | None,
        typer.Option(min=1, help="The occluder's side in pixels; default: 11, or an eighth of a small input's."),
    ] = None,
    stride: Annotated[
        int | None, typer.Option(min=1, help="Pixels between its places; default: 3, for small inputs 2.")
    ] = None,
    fill: Annotated[str, typer.Option(help="What fills it: the mean color, or noise.")] = "mean",
    threshold: Annotated[float, typer.Option(help="The least drop of a region, as a part of the greatest.")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="The seed of the noise.")] = 0,
    weights: o.Weights = None,
    labels: o.Labels = None,
    labels_layer: o.LabelsLayer = None,
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
    """Segment real pictures by what units respond to: an occluder is slid over the top pictures of each unit.

    dgnam occlusion places-alexnet-mini conv5:8 --data DIR

    Each pixel counts by how much the unit falls on average while it is covered (Zhou et al. 2015). `dgnam resume
    FOLDER` resumes an interrupted run.
    """
    given = dict(locals())
    from ..api.occlusion import occlusion as find

    finish(call(find, given))


def finish(found: object) -> None:
    """Print what was found."""
    say(found.summary)  # type: ignore[attr-defined]
    say([f"==> made: {found.folder}/ with grid*.png and occlusion.csv"])  # type: ignore[attr-defined]
