"""`dgnam reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import DgnamError
from . import options as o
from .call import call
from .terminal import say

MOST_UNITS = 1_000_000
"""No layer has a unit of a higher number; a range that goes beyond is cut here, and then found to be too long."""


def reproduce(
    experiment: Annotated[
        str, typer.Argument(help="The experiment, as fig1; a section, as 3.1, for all that it has; or all.")
    ],
    models: Annotated[str, typer.Option(help="mini (our small models) or paper (the published ones).")] = "mini",
    scale: Annotated[
        str, typer.Option(help="small (minutes), full (what the claims ask for) or smoke (does it run?).")
    ] = "small",
    units: Annotated[str | None, typer.Option(help="The units, as 3,17,40-49; default: the figure's.")] = None,
    seed: o.Seed = 0,
    target: Annotated[str | None, typer.Option(help="In place of the experiment's: as in `dgnam synthesize`.")] = None,
    weights: o.Weights = None,
    labels: o.Labels = None,
    labels_layer: o.LabelsLayer = None,
    mean: o.Mean = None,
    channels: o.Channels = "BGR",
    prior: Annotated[str | None, typer.Option(help="In place of the experiment's: as in `dgnam synthesize`.")] = None,
    prior_weights: o.PriorWeights = None,
    data: o.Data = None,
    published_images: o.PublishedImages = False,
    device: o.Device = "cpu",
    precision: o.Precision = "float32",
    backend: o.Backend = None,
    output: o.Output = Path("runs"),
    name: o.Name = None,
    executor: o.Executor = "local",
    store: o.Store = None,
    retries: o.Retries = None,
    quiet: o.Quiet = False,
) -> None:
    """Reproduce an experiment of the paper; pictures, numbers and settings go to a new folder."""
    given = dict(locals())
    from dgnam import experiments

    given["units"] = None if units is None else parse_units(units)
    found = experiments.find_experiments(experiment)
    if len(found) == 1:
        finish(call(experiments.reproduce, {**given, "experiment": found[0].name}))
        return
    blocked = []
    for one in found:
        say([f"==> {one.name}"])
        outcome = call(experiments.reproduce, {**given, "experiment": one.name})
        if outcome.blocked:
            blocked.append(outcome.blocked)
            say([outcome.blocked])
        else:
            finish(outcome)
    if blocked:
        raise DgnamError(f"{len(blocked)} of {len(found)} experiments are blocked, as said above")


def finish(found: Any) -> None:
    """Print what an experiment came to; one without its weights is an error that says how to get them."""
    if found.blocked:
        raise DgnamError(found.blocked)
    say(found.summary)
    say([f"==> figure: {found.figure}", f"==> made: {found.folder}/"])


def parse_units(text: str) -> list[int]:
    """The units that `3,17,40-49` means, in order."""
    units: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise DgnamError(f"--units: '{part.strip()}' is not a unit or range; write 3,17,40-49")
        start, stop = (min(int(bound[:9]), MOST_UNITS) for bound in (first, last if dash else first))
        if stop < start:
            raise DgnamError(f"--units: the range {part.strip()} runs backwards")
        units += range(start, stop + 1)
    if len(set(units)) < len(units):
        raise DgnamError(f"--units {text}: a unit is given twice")
    return units
