"""`dgnam.again`: a picture of a run made again as it was, with a movie.

The steps amplify a float's last digits, and these may depend on the threads and, but for a CPU, on which images share a
pass.  So the whole batch of the picture is made again, with the run's number of threads, and one picture of it is kept.
"""

from __future__ import annotations

import bisect
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from inspect import signature
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from ..am import Bounds, Film, Frames, Objective, Prior, Result, Settings, Start, Target
from ..am.argument_types import check_types
from ..caffe import CaffeModule
from ..errors import DgnamError
from ..files.paths import StrPath
from ..runs import Record, Run
from ..runs.record import objects_in
from .batches import ARRAYS, results
from .execute import read_result, save_result
from .outputs import Outputs
from .plan import Plan
from .priors import ResolvedPrior
from .recorded import recalled
from .result import Visualization
from .run_folder import at_work, begin
from .spec import spec_of
from .targets import ResolvedTarget
from .visualize import arrays_of, planned, shown, visualize

MOST_THREADS = 1024
"""More are no number of threads, whatever a record says."""

CHUNK = "00000"


def again(
    run: StrPath,
    job: int,
    *,
    target: str | PathLike[str] | Target | ResolvedTarget | CaffeModule | Mapping[str, Any] | None = None,
    objective: str | Objective | Sequence[str | Objective] | None = None,
    prior: str | PathLike[str] | Prior | ResolvedPrior | None = None,
    settings: str | Settings | Sequence[str | Settings] | None = None,
    clip: str | PathLike[str] | Bounds | None = None,
    start: str | Start | None = None,
    movies: Sequence[str] | None = None,
    every: int | None = None,
    fps: float | None = None,
    folder: StrPath | None = None,
    output: StrPath | None = None,
    name: str | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Visualization:
    """Make a picture of a run of `visualize` again, by the steps that led to it, and its movie.

        dgnam.again("runs/caffenet-mini-fc8-187-1", 3, folder="lemon")  # lemon/images/*.png, lemon/movies/*.gif

    run: the run's folder.
    job: which of its pictures, counted from 0; `summary.csv` has the numbers.
    target, objective, prior, settings, clip, start: what the run was begun with, where that was an object in Python,
        or a target `package.module:name`; left out otherwise.
    movies, every, fps: see `visualize`; None for a GIF where there is a folder, and for the run's own numbers.
    folder, output, name, resume, progress: see `visualize`.

    Returns the one picture, whose `summary` says whether it has the bytes of the run's.  Where it differs, as on
    another machine or with another torch, a UserWarning says so.
    Raises DgnamError where the folder holds no run of `visualize`, or its files have changed.
    """
    given = dict(locals())
    check_types(again, given)
    job = int(job)
    source = Run.open(run)
    if source.record.task != "visualize":
        raise DgnamError(f"{run} holds a run of '{source.record.task}'; pictures of 'visualize' are made again")
    names = ("target", "objective", "prior", "settings", "clip", "start")
    passed = {name: given[name] for name in names if given[name] is not None}
    with _threads(source.record):
        plan, outputs, record = _planned(source, job, passed)
        made = Record("again", spec_of(given), {**record.inputs, "job": job}, record.environment)
        usual_name = f"{Path(run).resolve().name}-job-{job}"
        saved = folder is not None or output is not None
        filmed = _filmed(outputs, (("gif",) if saved else ()) if movies is None else movies, every, fps)
        if filmed.movies and not saved:
            raise DgnamError("movies need a folder to be saved in")
        if plan.frames > 1:
            filmed.check_clips()
        own = begin(made, folder=folder, output=output, name=usual_name if name is None else name, resume=resume)
        if own is None:
            result, _ = _repeat(source, plan, job, None, progress)
        else:
            with at_work(own, 1, "images"):
                if not own.has(CHUNK):
                    result, film = _repeat(source, plan, job, filmed, progress)
                    filmed.write(own, plan, job, result.images[0], film)
                    save_result(own, CHUNK, result)
                result = read_result(own, CHUNK, range(job, job + 1))
    differs = _difference(source, plan, outputs, result)
    if differs is not None:
        warnings.warn(differs, stacklevel=2)
    file = outputs.image(plan, job)
    lines = [f"job {job}: {file}, {'not ' if differs else ''}the bytes of the run's"]
    return shown(plan, lambda: arrays_of(result), None if own is None else own.path, lines, range(job, job + 1))


def _planned(source: Run, job: int, passed: Mapping[str, Any]) -> tuple[Plan, Outputs, Record]:
    """The run's plan, which must be the same as then; other versions are a warning."""
    lacking = ", ".join(f"{name}=…" for name in sorted(objects_in(source.record.spec)) if name not in passed)
    objects = f"pass it too: dgnam.again({str(source.path)!r}, {job}, {lacking})"
    with recalled(source, visualize, passed, objects) as (spec, _):
        given = {name: one.default for name, one in signature(visualize).parameters.items()} | spec
        check_types(visualize, given)
        plan, outputs, record = planned(given, source.record)
        for warning in source.record.check_same(record, source.path, f"make job {job} again of"):
            warnings.warn(warning, stacklevel=4)
    if not 0 <= job < len(plan.jobs):
        raise DgnamError(
            f"job {job}: {source.path} has the jobs 0 to {len(plan.jobs) - 1}, as summary.csv numbers them"
        )
    return plan, outputs, record


def _filmed(outputs: Outputs, movies: Sequence[str], every: int | None, fps: float | None) -> Outputs:
    """What is left of the picture: as the run had it, with these movies."""
    every = outputs.every if every is None else every
    return replace(outputs, movies=tuple(movies), every=every, fps=outputs.fps if fps is None else fps)


def _repeat(source: Run, plan: Plan, job: int, filmed: Outputs | None, progress: bool) -> tuple[Result, Film | None]:
    """The job's result and film; its whole batch is made again, in the directory that the run's paths are of."""
    frames = Frames([job], filmed.every) if filmed is not None and filmed.movies else None
    with source.in_directory():
        (batch,) = results(plan, batches=[plan.batches[_number_of_batch(plan, job)]], progress=progress, on_step=frames)
    row = batch.indices.index(job)
    parts = {name: getattr(batch, name)[row : row + 1] for name in ARRAYS[1:]}
    return Result((job,), **parts), None if frames is None else frames.film(job)


def _number_of_batch(plan: Plan, job: int) -> int:
    return bisect.bisect_right(plan.batches, job, key=lambda batch: batch.start) - 1


def _difference(source: Run, plan: Plan, outputs: Outputs, result: Result) -> str | None:
    """How the picture differs from the one in the run's folder; None where it has the same bytes."""
    (job,) = result.indices
    name = outputs.image(plan, job)
    try:
        before = (source.path / name).read_bytes()
    except OSError:
        return f"{source.path} has no {name} to compare the picture with"
    if outputs.content(result.images[0]) == before:
        return None
    reason = "as on another machine, or with other versions or threads"
    then = _activation_then(source, plan, job)
    values = "" if then is None else f", activation {result.last_activations[0]:.6g}, then {then:.6g}"
    return f"the picture is not the run's {name}{values}: float noise differs, {reason}, or the file was changed"


def _activation_then(source: Run, plan: Plan, job: int) -> float | None:
    """The activation of the run's own picture; None where its chunk is missing or damaged."""
    number = _number_of_batch(plan, job)
    with suppress(DgnamError):
        kept = read_result(source, plan.chunk(number), plan.batches[number])
        return float(kept.last_activations[kept.indices.index(job)])
    return None


@contextmanager
def _threads(record: Record) -> Iterator[None]:
    """While this lasts torch computes with as many threads as the run did."""
    before, then = torch.get_num_threads(), record.environment.get("threads")
    try:
        if type(then) is int and 1 <= then <= MOST_THREADS:
            torch.set_num_threads(then)
        yield
    finally:
        torch.set_num_threads(before)
