"""`dgnam top-images`."""

from __future__ import annotations

from pathlib import Path

from . import options as o
from .call import call
from .terminal import say


def top_images(
    target: o.Target,
    objective: o.Units,
    images: o.Images = None,
    k: o.PicturesPerUnit = 9,
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
    """Find the real pictures for which units are most active, cropped to the units' receptive fields.

    dgnam top-images caffenet-mini 'conv3:0-9' --data DIR

    All units are measured in one pass over the pictures. `dgnam resume FOLDER` resumes an interrupted run.
    """
    given = dict(locals())
    from ..api.top_images import top_images as find

    finish(call(find, given))


def finish(found: object) -> None:
    """Print what was found."""
    say(found.summary)  # type: ignore[attr-defined]
    say([f"==> made: {found.folder}/ with grid*.png and top_images.csv"])  # type: ignore[attr-defined]
