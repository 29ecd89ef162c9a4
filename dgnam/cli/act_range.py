"""The command `dgnam act-range`: its options."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..api import act_range as act_range_run
from ..data.network_input import RESIZES, STRAIGHT, read_size
from ..runs.interrupt import INTERRUPTED, Interrupted


def act_range(
    images: Annotated[
        str,
        typer.Option(
            help="The pictures: a folder, with those in it; a listing, a line 'path label' each; a zip; an LMDB of "
            "Datums; or the name of an image set, such as tinyimagenet64-val."
        ),
    ],
    encoder: Annotated[
        str, typer.Option(help="A model of `dgnam models list`, or a deploy prototxt of your own with --weights.")
    ] = "caffenet-mini",
    weights: Annotated[
        Path | None, typer.Option(help="The weights of your prototxt, or other ones for the model.")
    ] = None,
    layer: Annotated[
        str | None, typer.Option(help="The layer whose values are the codes; the one that the generators invert.")
    ] = None,
    k: Annotated[float, typer.Option("--k", help="The bound is the mean and this many standard deviations.")] = 3.0,
    root: Annotated[
        Path | None, typer.Option(help="Put before the paths of a listing; its own folder if left out.")
    ] = None,
    listing: Annotated[str | None, typer.Option(help="The listing in a zip that has several, such as val.txt.")] = None,
    data: Annotated[Path | None, typer.Option(help="The folder of the image sets; $DGNAM_DATA if left out.")] = None,
    resize: Annotated[
        str, typer.Option(help="How pictures come to the size before the crop: " + ", ".join(RESIZES) + ".")
    ] = STRAIGHT,
    size: Annotated[
        str | None,
        typer.Option(help="That size, such as 256, or height x width, 240x320; the model's, or what the net takes."),
    ] = None,
    mean: Annotated[
        str | None,
        typer.Option(help="What is taken off: a value for each channel, BGR, or a .binaryproto or .npy file."),
    ] = None,
    scale: Annotated[float, typer.Option(help="What values are multiplied by after that.")] = 1.0,
    limit: Annotated[int | None, typer.Option(min=1, help="Take the first so many pictures.")] = None,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Leave out pictures that can't be read.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="How many pictures go through the net at once.")] = 64,
    device: Annotated[str, typer.Option(help="cpu, or cuda.")] = "cpu",
    output: Annotated[
        Path | None, typer.Option(help="The files without .txt and .h5; named as act_range_3x_fc6 if left out.")
    ] = None,
    integers: Annotated[
        bool, typer.Option("--integers", help="Round the text's numbers as the published ones are.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Measure the range of each code neuron over real images, and write it as text and HDF5."""
    request = act_range_run.ActRangeRequest(
        encoder,
        images,
        weights=weights,
        layer=layer,
        k=k,
        root=root,
        listing=listing,
        data=data,
        size=None if size is None else read_size(size),
        mean=mean,
        scale=scale,
        resize=resize,
        batch_size=batch_size,
        limit=limit,
        skip_broken=skip_broken,
        device=device,
        output=output,
        integers=integers,
        force=force,
        progress=not quiet,
    )
    try:
        outcome = act_range_run.run(request)
    except Interrupted as stop:
        print(f"dgnam: {stop}; nothing was written", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    print("\n".join(outcome.lines))
    print("\n".join(f"==> made: {path}" for path in outcome.files))
