"""`dgnam synthesize`; `dgnam sweep` is the same command, by the name for many settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import DgnamError
from . import options as o
from .call import call, numbers
from .terminal import say

AUTO = "auto"

Settings = Annotated[
    str,
    typer.Option(
        help="released, paper, googlenet or from-image, as published; own: those published for the target, with a "
        "first step that suits the prior, or a pixel prior's own."
    ),
]
NIters = Annotated[str | None, typer.Option(help="The number of steps, or several: 50,100,200.")]
StartLr = Annotated[str | None, typer.Option(help=f"The size of the first step, or several; {o.USUAL_STEP}.")]
EndLr = Annotated[float | None, typer.Option(help="The size of the last step.")]
L2 = Annotated[str | None, typer.Option("--l2", help="The factor of the codes after each step, as 0.99, or several.")]
NormPenalty = Annotated[
    str | None, typer.Option(help="The weight of the code's norm (Eq. 1: 0.005), instead of --l2; or several.")
]
Smoothness = Annotated[
    float | None,
    typer.Option(
        help="For a target that sees clips: the weight of the squared distances of neighboring frames' codes."
    ),
]
Movies = Annotated[
    list[str] | None,
    typer.Option("--movies", "--movie", help="Save the optimization as a movie: gif or mp4; repeat for both."),
]
Every = Annotated[int, typer.Option(min=1, help="Steps between a movie's frames.")]


def synthesize(
    target: o.Target,
    objective: o.Objective,
    prior: o.Prior = None,
    seeds: o.Seeds = 1,
    seed: o.Seed = 0,
    settings: Settings = o.OWN,
    n_iters: NIters = None,
    start_lr: StartLr = None,
    end_lr: EndLr = None,
    l2: L2 = None,
    norm_penalty: NormPenalty = None,
    smoothness: Smoothness = None,
    clip: o.Clip = o.OWN,
    start: o.Start = None,
    movies: Movies = None,
    every: Every = 5,
    fps: o.Fps = 10.0,
    weights: o.Weights = None,
    labels: o.Labels = None,
    labels_layer: o.LabelsLayer = None,
    mean: o.Mean = None,
    scale: o.Scale = 1.0,
    channels: o.Channels = "BGR",
    prior_weights: o.PriorWeights = None,
    published_images: o.PublishedImages = False,
    backend: o.Backend = None,
    batch_size: o.ChosenBatchSize = AUTO,
    device: o.Device = "cpu",
    precision: o.Precision = "float32",
    output: o.Output = Path("runs"),
    name: o.Name = None,
    executor: o.Executor = "local",
    store: o.Store = None,
    retries: o.Retries = None,
    quiet: o.Quiet = False,
) -> None:
    """Synthesize the preferred images of units; pictures, codes, traces and settings go to a new folder.

    dgnam synthesize caffenet-mini fc8:lemon --seeds 4 --movies gif

    Several values of --n-iters, --start-lr, --l2 or --norm-penalty give every combination:

    dgnam sweep caffenet-mini fc8:0-199 --seeds 2 --start-lr 4,8 --l2 0.98,0.99

    For a network that sees clips, such as action-lstm-motion-mini, all frames of a clip are optimized together; clips/
    has them as GIF and MP4.
    """
    given: dict[str, Any] = dict(locals())
    from ..api.visualize import visualize

    given["movies"] = movies or ()
    given["batch_size"] = _batch_size(batch_size)
    for option, kind in (("n_iters", int), ("start_lr", float), ("l2", float), ("norm_penalty", float)):
        given[option] = numbers(option, given[option], kind)
    found = call(visualize, given)
    say(found.summary)
    say([f"==> made: {found.folder}/ with grid*.png"])


def _batch_size(text: str) -> int | str:
    """A number of images, or `auto`."""
    if text != AUTO and not text.isdecimal():
        raise DgnamError(f"--batch-size '{text}': give {AUTO}, or how many images share passes, as 16")
    return text if text == AUTO else int(text)
