"""`dgnam tune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as o
from .call import bounds, call
from .terminal import say


def tune(
    target: o.Target,
    objective: Annotated[
        str,
        typer.Argument(help="The units to tune on: numbers, ranges and names, as 3,17,40-49,lemon."),
    ],
    report_on: Annotated[
        str, typer.Option("--report-on", "--report", help="Other units, to report the best settings on.")
    ],
    judge: Annotated[str, typer.Option(help="The classifier scoring the images.")] = "judge-mini",
    score: Annotated[
        str,
        typer.Option(
            help="The judge's probability of the unit's class, or rank: 1 / its rank. Or, without a judge and for any "
            "units, package.module:name: a Python callable from images (n, 3, h, w) float32 BGR, mean-subtracted, "
            "and n objectives to n numbers; it is imported and run."
        ),
    ] = "probability",
    prior: o.Prior = None,
    prior_weights: o.PriorWeights = None,
    trials: Annotated[int, typer.Option(min=1, help="The number of settings to try.")] = 50,
    sampler: Annotated[
        str, typer.Option(help="random, as in the paper, or tpe, which learns from earlier trials.")
    ] = "random",
    n_iters: Annotated[str, typer.Option(help="The range of the number of steps.")] = "50,400",
    start_lr: Annotated[
        str, typer.Option(help="The range of the first step: log-uniform, as 1,32,log, or uniform, as 1,32.")
    ] = "1,32,log",
    l2: Annotated[str | None, typer.Option("--l2", help="The range of the codes' factor; default: 0.9,1.")] = None,
    norm_penalty: Annotated[
        str | None, typer.Option(help="Instead of --l2: the range of Eq. 1's weight, as 0.0005,0.5,log.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="The seed of the settings tried and of the initial codes.")
    ] = 0,
    clip: o.Clip = o.OWN,
    weights: o.Weights = None,
    labels: o.Labels = None,
    labels_layer: o.LabelsLayer = None,
    mean: o.Mean = None,
    scale: o.Scale = 1.0,
    channels: o.Channels = "BGR",
    compare: Annotated[bool, typer.Option(help="Score the published settings as well.")] = True,
    show: Annotated[int, typer.Option(min=1, help="How many best and worst trials the contact sheet shows.")] = 4,
    device: o.Device = "cpu",
    output: o.Output = Path("runs"),
    name: o.Name = None,
    executor: o.Executor = "local",
    store: o.Store = None,
    retries: o.Retries = None,
    quiet: o.Quiet = False,
) -> None:
    """Tune the settings by random search, scored by a judge, as the paper's authors did by eye.

    dgnam tune caffenet-mini 0-7 --report-on 8-15

    `dgnam resume FOLDER` resumes an interrupted run.
    """
    given = dict(locals())
    from ..api.tune import tune as tune_settings

    for option in ("n_iters", "start_lr", "l2", "norm_penalty"):
        given[option] = bounds(given[option])
    found = call(tune_settings, given)
    say(found.summary)
    say([f"==> made: {found.folder}/ with contact_sheet.png"])
