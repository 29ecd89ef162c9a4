"""The batches of a plan as chunks, each with the pictures and movies of its jobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ..am import Frames, Result, Step, synthesize
from ..am.published import loop
from ..am.published.backend import one_by_one, open_net
from ..am.synthesize import OnStep
from ..errors import FormatError
from ..runs import progress_bar
from ..runs.executor import Made
from .outputs import Outputs
from .plan import Plan

ARRAYS = ("jobs", "images", "codes", "activations", "steps", "stopped")
"""What a chunk holds of a batch."""


class Batches:
    """Makes batches with the pictures and movies of their jobs, each when it is asked for.

    left: those that will be asked for, in their order, which then share a bar of steps; None makes any, each alone.
    check: called at each step, to raise an interrupt.
    """

    def __init__(
        self,
        plan: Plan,
        outputs: Outputs,
        left: Sequence[range] | None = None,
        check: Callable[[], None] = lambda: None,
        progress: bool = False,
    ):
        self._plan, self._outputs, self._check = plan, outputs, check
        self._frames: Frames | None = None
        how: dict[str, Any] = {"progress": progress, "on_step": self._watch}
        self._made = None if left is None else results(plan, batches=left, **how)

    def __call__(self, number: int) -> Made:
        """Batch `number` of the plan."""
        made = self._made
        if made is None:
            made = results(self._plan, batches=[self._plan.batches[number]], progress=False, on_step=self._watch)
        result = next(made)
        files: dict[str, bytes] = {}
        for job, image in zip(result.indices, result.images, strict=True):
            film = None if self._frames is None else self._frames.film(job)
            files |= self._outputs.files(self._plan, job, image, film)
        return Made(arrays_of_batch(result), files, len(result.indices))

    def _watch(self, step: Step) -> None:
        self._check()
        if self._outputs.movies and step.step == 0:
            self._frames = Frames(step.indices, self._outputs.every)
        if self._frames is not None:
            self._frames(step)


def results(
    plan: Plan, *, batches: Sequence[range] | None = None, progress: bool = True, on_step: OnStep | None = None
) -> Iterator[Result]:
    """The results of a plan's batches, or of some of them, as they are done, in memory alone."""
    chosen = plan.batches if batches is None else batches
    if plan.backend is not None:
        return _published(plan, chosen, progress, on_step)
    return synthesize(
        plan.target.target,
        plan.prior.prior,
        plan.jobs,
        clip=plan.clip,
        batches=chosen,
        start_codes=plan.start,
        device=plan.device,
        precision=plan.precision,
        progress=progress,
        on_step=on_step,
    )


def arrays_of_batch(result: Result) -> dict[str, np.ndarray]:
    """What a chunk holds of a batch."""
    values = (np.asarray(result.indices), *(getattr(result, name) for name in ARRAYS[1:]))
    return dict(zip(ARRAYS, values, strict=True))


def batch_of_arrays(arrays: Mapping[str, Any], where: str, jobs: range | None = None) -> Result:
    """The batch that a chunk holds; other jobs than `jobs` are a FormatError, which begins with `where`."""
    lacking = [key for key in ARRAYS if key not in arrays]
    if lacking:
        raise FormatError(f"{where} has no dataset '{lacking[0]}'")
    found = list(arrays["jobs"])
    if (jobs is not None and found != list(jobs)) or any(len(arrays[key]) != len(found) for key in ARRAYS):
        raise FormatError(f"{where} holds other jobs than its batch")
    images, codes, activations = (arrays[name].astype(np.float32) for name in ("images", "codes", "activations"))
    steps, stopped = arrays["steps"].astype(np.int64), arrays["stopped"].astype(np.int8)
    return Result(tuple(map(int, arrays["jobs"])), images, codes, activations, steps, stopped)


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
