"""The commands `dgnam synthesize` and `dgnam sweep`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..api.execute import run_into
from ..api.folder import RUN, Folder
from ..api.report import GRID, write_report
from ..api.request import OWN, SETTINGS, Request
from ..caffe.mode import usable_device
from ..errors import DgnamError
from ..runs.folder import RunFolder
from ..runs.interrupt import INTERRUPTED, Interrupted

WITH_RESUME = {"resume", "quiet"}
"""The options that may stand beside --resume; the others are in the run's folder."""

USUAL_STEP = (
    "left out, 8 as published (GoogLeNet 2, from an image 1), and of our small generators as much less as the mean of "
    "their act_range is less than 12"
)

Target = Annotated[
    str | None,
    typer.Argument(
        help="A model of `dgnam models list`, or several with commas between; the path of a deploy prototxt, with "
        "--weights; or package.module:name of a Target in Python."
    ),
]
Objective = Annotated[
    str | None,
    typer.Argument(
        help="What to maximize: fc8:945, fc8:lemon, fc8:0-9, conv5:55@6,6 (one position), conv5:55@all (a whole "
        "channel), 'fc8:3 + 0.5*fc8:7'. `dgnam layers TARGET` lists the layers."
    ),
]
Prior = Annotated[
    str | None,
    typer.Option(
        help="What makes the images: a generator of `dgnam models list`, the path of a generator's prototxt, or a "
        "prior in pixels: pixels, simonyan2014, yosinski2015, … Left out, the fc6 generator of the target's size."
    ),
]
PriorWeights = Annotated[Path | None, typer.Option(help="The weights of the prior's prototxt.")]
Weights = Annotated[Path | None, typer.Option(help="The weights of the target's prototxt, .caffemodel or .h5.")]
Labels = Annotated[Path | None, typer.Option(help="The classes of the target's prototxt, a line each.")]
Mean = Annotated[str | None, typer.Option(help="What your net takes off: 104,117,123, or a .binaryproto or .npy file.")]
Scale = Annotated[float, typer.Option(help="What your net's input is multiplied by once the mean is off.")]
Channels = Annotated[str, typer.Option(help="The order of your net's channels, BGR or RGB.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The first seed.")]
Seeds = Annotated[int, typer.Option(min=1, help="How many images for each objective, from seeds one after the other.")]
SettingsName = Annotated[
    str,
    typer.Option(
        help=f"{', '.join(SETTINGS)}, as they were published; {OWN}: those published for the target, with steps that "
        "suit the prior, or a pixel prior's own."
    ),
]
EndLr = Annotated[float | None, typer.Option(help="The size that steps shrink towards.")]
Clip = Annotated[
    str | None,
    typer.Option(help="Keep codes to the act_range, the unit box or nothing: act_range, unit, none; the prior's own."),
]
Start = Annotated[
    str | None,
    typer.Option(
        help="Where codes start: random; zero; image:FILE, the code of a picture; codes:FILE, .npy or .h5; "
        "cluster:PICTURES:CLASS:K, the mean codes of K clusters of a class's pictures, one for each seed."
    ),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Images that are made together, and saved when they are done.")]
Device = Annotated[str, typer.Option(help="cpu, or cuda.")]
Movie = Annotated[
    list[str] | None,
    typer.Option(
        help="Save each image's movie: gif or mp4; give it twice for both. A batch's frames are in memory until it is "
        "done."
    ),
]
Every = Annotated[int, typer.Option(min=1, help="Of how many steps a movie shows one.")]
Fps = Annotated[float, typer.Option(help="A movie's frames a second.")]
Published = Annotated[
    bool, typer.Option("--published-images", help="Save JPEGs stretched as the published code did, not PNGs.")
]
Output = Annotated[Path, typer.Option(help="The folder in which the run gets a folder of its own.")]
Resume = Annotated[Path | None, typer.Option(help="A run's folder to go on with; its own options hold.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def synthesize(
    ctx: typer.Context,
    target: Target = None,
    objective: Objective = None,
    prior: Prior = None,
    seeds: Seeds = 1,
    seed: Seed = 0,
    settings: SettingsName = OWN,
    iters: Annotated[int | None, typer.Option(min=1, help="How many steps.")] = None,
    lr: Annotated[float | None, typer.Option(help=f"The size of the first step; {USUAL_STEP}.")] = None,
    end_lr: EndLr = None,
    l2: Annotated[float | None, typer.Option(help="What codes are multiplied by after each step, as 0.99.")] = None,
    norm_penalty: Annotated[float | None, typer.Option(help="The weight of the code's norm, as Eq. 1's 0.005.")] = None,
    clip: Clip = None,
    start: Start = None,
    movie: Movie = None,
    every: Every = 5,
    fps: Fps = 10.0,
    weights: Weights = None,
    labels: Labels = None,
    mean: Mean = None,
    scale: Scale = 1.0,
    channels: Channels = "BGR",
    prior_weights: PriorWeights = None,
    published: Published = False,
    batch_size: BatchSize = 100,
    device: Device = "cpu",
    output: Output = Path("runs"),
    resume: Resume = None,
    quiet: Quiet = False,
) -> None:
    """Make the images that units prefer: pictures, codes, traces and all settings in a new folder.

    dgnam synthesize caffenet-mini fc8:lemon --seeds 4 --movie gif
    """
    options = dict(ctx.params)
    numbers = {
        name: () if options[name] is None else (options[name],) for name in ("iters", "lr", "l2", "norm_penalty")
    }
    _run(ctx, options | numbers, "synthesize")


def sweep(
    ctx: typer.Context,
    target: Target = None,
    objective: Objective = None,
    prior: Prior = None,
    seeds: Seeds = 1,
    seed: Seed = 0,
    settings: SettingsName = OWN,
    iters: Annotated[str | None, typer.Option(help="Numbers of steps, as 50,100,200.")] = None,
    lr: Annotated[str | None, typer.Option(help=f"Sizes of the first step, as 2,4,8; {USUAL_STEP}.")] = None,
    end_lr: EndLr = None,
    l2: Annotated[
        str | None, typer.Option(help="What codes are multiplied by after each step, as 0.98,0.99,1.")
    ] = None,
    norm_penalty: Annotated[str | None, typer.Option(help="Weights of the code's norm, as 0,0.005,0.05.")] = None,
    clip: Clip = None,
    start: Start = None,
    movie: Movie = None,
    every: Every = 5,
    fps: Fps = 10.0,
    weights: Weights = None,
    labels: Labels = None,
    mean: Mean = None,
    scale: Scale = 1.0,
    channels: Channels = "BGR",
    prior_weights: PriorWeights = None,
    published: Published = False,
    batch_size: BatchSize = 100,
    device: Device = "cpu",
    output: Output = Path("runs"),
    resume: Resume = None,
    quiet: Quiet = False,
) -> None:
    """Make the images of many units, from many seeds, with each combination of settings.

    dgnam sweep caffenet-mini fc8:0-199 --seeds 2 --lr 4,8 --l2 0.98,0.99
    """
    options = dict(ctx.params)
    whole = {"iters": _numbers("iters", iters, int)}
    numbers = {name: _numbers(name, options[name], float) for name in ("lr", "l2", "norm_penalty")}
    _run(ctx, options | whole | numbers, "sweep")


def _run(ctx: typer.Context, options: dict[str, object], name: str) -> None:
    """Begin a run, or go on with one, and say what it made."""
    path, quiet = options.pop("resume"), bool(options.pop("quiet"))
    output = Path(str(options.pop("output")))
    if path is None:
        request = _request(options)
        plan = request.plan()
        folder = Folder.create(RunFolder.create(output, name), plan.record, request.as_dict())
    else:
        _only_resume(ctx)
        folder = Folder.open(str(path))
        request = Request.from_dict(folder.request, folder.path / RUN)
        usable_device(request.device)
        plan = request.plan()
        for warning in folder.check_same(plan.record):
            typer.echo(f"dgnam: {warning}", err=True)
    try:
        run_into(folder, plan, request.extras, progress=not quiet)
    except Interrupted as stop:
        typer.echo(f"dgnam: {stop}; go on: dgnam {name} --resume {folder.path}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    lines = write_report(folder, plan)
    print("\n".join(lines))
    print(f"==> made: {folder.path}/ with {GRID}*.png")


def _request(options: dict[str, object]) -> Request:
    if options["target"] is None or options["objective"] is None:
        raise DgnamError("give a target and what to maximize, as caffenet-mini fc8:lemon; or --resume FOLDER")
    usable_device(str(options["device"]))
    movie = options.pop("movie")
    kinds = movie if isinstance(movie, Sequence) else ()
    movies = tuple(str(kind) for kind in kinds)
    fields = {key: str(value) if isinstance(value, Path) else value for key, value in options.items()}
    return Request(**fields, movies=movies)  # type: ignore[arg-type]


def _only_resume(ctx: typer.Context) -> None:
    """Other options beside --resume are an error, since the run's own hold."""
    for name in ctx.params:
        if name not in WITH_RESUME and _given(ctx, name):
            raise DgnamError(f"--resume goes on with the run's own options: leave {name.replace('_', '-')} out")


def _given(ctx: typer.Context, name: str) -> bool:
    """Whether an option stands in the command, and has not its default."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _numbers(name: str, text: str | None, kind: type[int] | type[float]) -> tuple[float, ...]:
    try:
        return () if text is None else tuple(kind(part) for part in text.split(","))
    except ValueError:
        example = "50,100,200" if kind is int else "2,4,8"
        raise DgnamError(
            f"--{name.replace('_', '-')} '{text}': give numbers with commas between, as {example}"
        ) from None
