"""`dgnam search`: try settings at random, score the images by a judge, and report the best on other units.

A run's folder: run.json (what was asked for), search.log and trials/ (what a search goes on from; see
`dgnam.am.tuning.trials`), and at the end search.json, trials.csv and contact_sheet.png.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from ..am.tuning.tune import MOST_TRIALS
from ..api.search.request import Request, read_request, space_of
from ..caffe.mode import usable_device
from ..errors import DgnamError
from ..runs.interrupt import INTERRUPTED, Interrupted


def search_command(
    target: Annotated[str | None, typer.Argument(help="A classifier of `dgnam models list`.")] = None,
    units: Annotated[
        str | None,
        typer.Argument(help="The classes that settings are tuned on: numbers, ranges and names, as 3,17,40-49,lemon."),
    ] = None,
    report_on: Annotated[
        str | None, typer.Option("--report", help="Other classes, on which the best settings are reported.")
    ] = None,
    judge: Annotated[str, typer.Option(help="The classifier that scores the images.")] = "judge-mini",
    score: Annotated[
        str | None,
        typer.Option(
            help="probability: the judge's of the unit's class; rank: 1 / the rank that it gives it. Or, in place of "
            "the judge and for any units, package.module:function, a Python callable from images (n, 3, h, w) float32 "
            "BGR, mean-subtracted, and the n objectives to n numbers; it is imported and run. [default: probability]"
        ),
    ] = None,
    prior: Annotated[str, typer.Option(help="The generator that makes the images.")] = "deepsim-fc6-mini",
    trials: Annotated[
        int | None, typer.Option(min=1, max=MOST_TRIALS, help="How many settings to try in all; 50 if left out.")
    ] = None,
    sampler: Annotated[
        str, typer.Option(help="random, as in the paper; or tpe, which learns from the trials before.")
    ] = "random",
    n_iters: Annotated[str | None, typer.Option(help="The numbers of steps to try, as 50,400.")] = None,
    start_lr: Annotated[
        str | None, typer.Option(help="The first step's sizes, as 1,32,log: evenly by logarithm; 1,32: evenly.")
    ] = None,
    shrink: Annotated[str | None, typer.Option(help="The released code's L2, as 0.9,1.")] = None,
    norm_penalty: Annotated[str | None, typer.Option(help="In place of shrink: Eq. 1's L2, as 0.0005,0.5,log.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the settings tried and of the start codes.")] = 0,
    free: Annotated[
        bool, typer.Option("--no-clip", help="Leave codes free, not within the prior's act_range.")
    ] = False,
    show: Annotated[int, typer.Option(min=1, help="How many of the best and of the worst the sheet shows.")] = 4,
    output: Annotated[Path, typer.Option(help="The folder in which the run gets a folder of its own.")] = Path("runs"),
    resume: Annotated[
        Path | None, typer.Option(help="A run's folder to go on with; its own settings hold, only --trials may differ.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, or cuda.")] = "cpu",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Search at random for the settings that make the best images, as the paper's authors did by eye.

    dgnam search caffenet-mini 0-7 --report 8-15

    A run that was stopped, or killed, goes on with --resume FOLDER.
    """
    from ..api.search.run import run  # Optuna is slow to import, and only a search needs it

    place = usable_device(device)
    if resume is not None:
        if any(given is not None for given in (target, units, report_on)):
            raise DgnamError("--resume takes target, units and --report from the run's folder: leave them out")
        request = read_request(resume)
        _check_score(request, score, resume)
        request = request if trials is None else dataclasses.replace(request, trials=trials)
    else:
        if target is None or units is None or report_on is None:
            raise DgnamError(
                "give a target, units and --report, as caffenet-mini 0-7 --report 8-15, or --resume FOLDER"
            )
        space = space_of(n_iters, start_lr, shrink, norm_penalty).as_dict()
        count = 50 if trials is None else trials
        how = "probability" if score is None else score
        request = Request(target, prior, judge, how, units, report_on, count, seed, sampler, not free, space)
    try:
        print("\n".join(run(request, place, output=output, resume=resume, show=show, progress=not quiet)))
    except Interrupted as stop:
        print(f"==> {stop}")
        raise typer.Exit(INTERRUPTED) from None


def _check_score(request: Request, score: str | None, folder: Path) -> None:
    """A run goes on with its own score.  Code is imported where the command names it, never because a file does."""
    if score != request.score and (request.own_score or score is not None):
        again = ": give it again" if request.own_score else ": leave --score out"
        raise DgnamError(f"{folder} was made with --score {request.score}{again}")
