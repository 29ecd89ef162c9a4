"""`dgnam reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import DgnamError
from . import options as o
from .call import call
from .terminal import REPORTED, complain, report, say

MOST_UNITS = 1_000_000
"""No layer has a unit of a higher number; a range that goes beyond is cut here, and then found to be too long."""


def reproduce(
    experiment: Annotated[
        str, typer.Argument(help="The experiment, as fig1; a section, as 3.1, for all that it has; or all.")
    ],
    models: Annotated[
        str, typer.Option(help="mini (our small models), 128 (those at 128 px) or paper (the published ones).")
    ] = "mini",
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
    """Reproduce an experiment of the paper; pictures, numbers and settings go to a new folder.

    dgnam reproduce fig1

    dgnam reproduce all --scale full --data DIR

    Of a section or all, the same command resumes what was stopped and skips what is finished; another --output or
    --name begins anew.
    """
    given = dict(locals())
    from dgnam import experiments

    given["units"] = None if units is None else parse_units(units)
    if experiment in experiments.EXPERIMENTS:
        finish(call(experiments.reproduce, given))
    else:
        _each([one.name for one in experiments.find_experiments(experiment)], given)


def finish(found: Any) -> None:
    """Print what an experiment came to; one without its weights is an error that says how to get them."""
    if found.blocked:
        raise DgnamError(found.blocked)
    say(found.summary)
    say([f"==> figure: {found.figure}", f"==> {'finished before' if found.earlier else 'made'}: {found.folder}/"])


def _each(names: list[str], given: dict[str, Any]) -> None:
    """One experiment after the other; what one fails of is told at once, and in the end which failed."""
    from dgnam import experiments

    experiments.check_usual(given)
    failed, blocked = [], []
    for name in names:
        say([f"==> {name}"])
        try:
            outcome = call(experiments.reproduce, {**given, "experiment": name, "resume": True})
        except typer.Exit:
            complain("the same command resumes it, and makes the others")
            raise
        except REPORTED as error:
            complain(f"{name}: {report(error)}")
            failed.append(name)
            continue
        if outcome.blocked:
            complain(outcome.blocked)
            blocked.append(name)
        else:
            finish(outcome)
    if failed or blocked:
        ends = {"failed": failed, "blocked": blocked}
        said = ", ".join(f"{len(some)} {end} ({', '.join(some)})" for end, some in ends.items() if some)
        raise DgnamError(f"of {len(names)} experiments {said}, as said above; the same command makes these alone")


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
