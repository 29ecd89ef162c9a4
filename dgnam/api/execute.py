"""Carry out a plan, in memory or into a run's folder, from where it was stopped."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch

from ..am import Frames, Result, Step, synthesize
from ..am.published import loop
from ..am.published.backend import one_by_one, open_net
from ..am.synthesize import OnStep
from ..errors import FormatError
from ..files.paths import writing_text
from ..runs import Run, defer_interrupt, progress_bar
from .outputs import Outputs
from .plan import Plan
from .report import SUMMARY, Report
from .run_folder import at_work

ARRAYS = ("jobs", "images", "codes", "activations", "steps", "stopped")
"""What a chunk holds of a batch."""


def results(
    plan: Plan, *, batches: Sequence[range] | None = None, progress: bool = True, on_step: OnStep | None = None
) -> Iterator[Result]:
    """The results of a plan's batches, or of some of them, as they are done, in memory alone."""
    return _synthesize(plan, plan.batches if batches is None else batches, progress, on_step)


def carry_out(run: Run, plan: Plan, outputs: Outputs, *, progress: bool = True) -> list[str]:
    """Do what is left of a plan, save each batch when it is done, and write the report; returns its lines.

    Raises Interrupted after Ctrl-C or SIGTERM; what is done has been saved.  After one that comes when all images are
    done the report is written first.
    """
    count = len(plan.jobs)
    log = {} if plan.measured is None else {"batch": plan.measured.as_dict()}
    with at_work(run, count, "images", **log), defer_interrupt() as stop, writing_text(run.path / SUMMARY) as table:
        report, kept = Report(plan, outputs, table), _kept_batches(run, plan)
        recorders: list[Frames] = []
        done = sum(len(batch) for batch, whole in zip(plan.batches, kept, strict=True) if whole)

        def watch(step: Step) -> None:
            if stop:
                raise stop.interrupted(f"stopped; {done} of {count} images are done")
            if outputs.movies and step.step == 0:
                recorders[:] = [Frames(step.indices, outputs.every)]
            for recorder in recorders:
                recorder(step)

        left = [batch for batch, whole in zip(plan.batches, kept, strict=True) if not whole] if done else plan.batches
        made = _synthesize(plan, left, progress, watch)
        for number, batch in enumerate(plan.batches):
            if kept[number]:
                result = read_result(run, plan.chunk(number), batch)
            else:
                result = next(made)
                for job, image in zip(result.indices, result.images, strict=True):
                    outputs.write(run, plan, job, image, recorders[0].film(job) if recorders else None)
                save_result(run, plan.chunk(number), result)
                done += len(batch)
            report.add(run, number, result)
            if stop and done < count:
                raise stop.interrupted(f"stopped; {done} of {count} images are done")
        lines = report.write(run)
    report.unclimbed.warn(stacklevel=3)
    if stop:
        raise stop.interrupted(f"stopped; all {count} images are done", run.path)
    return lines


def _kept_batches(run: Run, plan: Plan) -> bytearray:
    """Whether each batch has its chunk, as a byte; of a damaged one that is said."""
    entered, kept = set(run.names()), bytearray(len(plan.batches))
    for number in range(len(kept)) if entered else ():
        name = plan.chunk(number)
        damage = run.damage(name) if name in entered else None
        if damage is not None:
            warnings.warn(f"{damage}; it is made again", stacklevel=4)
        kept[number] = name in entered and damage is None
    return kept


def read_result(run: Run, name: str, jobs: range | None = None) -> Result:
    """The batch that a chunk holds; other jobs than `jobs` are a FormatError."""
    arrays = run.load(name)
    lacking = [key for key in ARRAYS if key not in arrays]
    if lacking:
        raise FormatError(f"{run.path}: chunk '{name}' has no dataset '{lacking[0]}'")
    found = list(arrays["jobs"])
    if (jobs is not None and found != list(jobs)) or any(len(arrays[key]) != len(found) for key in ARRAYS):
        raise FormatError(f"{run.path}: chunk '{name}' holds other jobs than its batch")
    return _result(arrays)


def _result(arrays: Mapping[str, np.ndarray]) -> Result:
    images, codes, activations = (arrays[name].astype(np.float32) for name in ("images", "codes", "activations"))
    steps, stopped = arrays["steps"].astype(np.int64), arrays["stopped"].astype(np.int8)
    return Result(tuple(map(int, arrays["jobs"])), images, codes, activations, steps, stopped)


def save_result(run: Run, name: str, result: Result) -> None:
    """Write a batch as a chunk."""
    values = (np.asarray(result.indices), *(getattr(result, name) for name in ARRAYS[1:]))
    run.save(name, dict(zip(ARRAYS, values, strict=True)), None, len(result.indices))


def _synthesize(plan: Plan, batches: Sequence[range], progress: bool, watch: OnStep | None) -> Iterator[Result]:
    if plan.backend is not None:
        return _published(plan, batches, progress, watch)
    return synthesize(
        plan.target.target,
        plan.prior.prior,
        plan.jobs,
        clip=plan.clip,
        batches=batches,
        start_codes=plan.start,
        device=plan.device,
        precision=plan.precision,
        progress=progress,
        on_step=watch,
    )


def _published(plan: Plan, batches: Sequence[range], progress: bool, watch: OnStep | None) -> Iterator[Result]:
    """The published loop, one image at a time, on a backend's nets."""
    assert plan.backend is not None
    assert plan.target.files is not None
    assert plan.prior.files is not None
    target, generator = open_net(plan.backend, *plan.target.files), open_net(plan.backend, *plan.prior.files)
    for batch in progress_bar(batches, show=progress, desc="synthesizing", unit="image"):
        jobs = [plan.jobs[job] for job in batch]
        codes = plan.start.codes([job.seed for job in jobs], plan.prior.prior.code_shape)
        on_step = None if watch is None else _told(watch, batch, codes)
        found = one_by_one(target, generator, jobs, clip=plan.clip, start_codes=codes, on_step=on_step, progress=False)
        yield dataclasses.replace(found, indices=tuple(batch))


def _told(watch: OnStep, batch: range, start: np.ndarray) -> Callable[[int, loop.Step], None]:
    """An observer of the published loop on a batch of one image, which tells `watch` what the batched loop would."""
    codes = torch.from_numpy(start.astype(np.float32))

    def tell(number: int, step: loop.Step) -> None:
        nonlocal codes
        image, activation = torch.from_numpy(step.image), torch.tensor([step.activation])
        watch(Step(number, tuple(batch), torch.ones(1, dtype=torch.bool), codes, image, activation))
        codes = torch.from_numpy(step.code)

    return tell
