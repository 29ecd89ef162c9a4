"""How many images share passes: chosen by memory, and by a short measurement where it makes a difference.

    chosen = choose_batch_size(target, prior, jobs, clip=bounds, free=available_memory())
    chosen.size, chosen.image_bytes, chosen.seconds

Small networks take MOST images: their time is the same from about 16 on, and the choice the same on every machine.  For
large ones a step is timed with 4, 8, 16, … images for as long as each takes less time than in the batch before, since
larger batches take memory, and lose more when a run is killed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ..errors import DgnamError
from .borrow import modules_of
from .jobs import Job, split_batches
from .priors import Prior
from .synthesize import try_step
from .targets import Target

AUTO = "auto"
"""In place of a number of images."""

MOST = {"cpu": 100, "cuda": 1024}
"""The largest batch chosen, by the kind of device."""

SMALL = 1 << 30
"""Bytes: where MOST images take no more on a CPU, nothing is timed."""

FIRST = 4
"""The smallest batch that is timed."""

GAIN = 0.95
"""A larger batch has to take less than this part of the time for each image."""

TRANSIENT = 2
"""A step takes at most so many times the memory of the values kept for its backward passes."""

SHARE = 0.5
"""Of the free memory."""


@dataclass(frozen=True)
class BatchSize:
    """The number of images that share passes, and why.

    image_bytes: memory of one image during a step.
    free_bytes: memory that was free; None where the system doesn't say.
    seconds: of a step for each image, by the sizes that were timed; empty where nothing was.
    """

    size: int
    image_bytes: int
    free_bytes: int | None = None
    seconds: Mapping[int, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For a run's log."""
        seconds = {str(size): round(one, 4) for size, one in self.seconds.items()}
        return {"size": self.size, "image_bytes": self.image_bytes, "free_bytes": self.free_bytes, "seconds": seconds}


def choose_batch_size(
    target: Target,
    prior: Prior,
    jobs: Sequence[Job],
    *,
    free: int | None,
    frames: int = 1,
    clock: Callable[[], float] = time.perf_counter,
    **how: Any,
) -> BatchSize:
    """The batch size for jobs.

    free: bytes of memory that can be had; None where it is not known.
    frames: of a clip; so many images make a job.
    how: `clip`, `start_codes`, `device` and `precision`, as of `synthesize`.
    """
    device = torch.device(how.get("device", "cpu"))
    largest = max(1, MOST.get(device.type, MOST["cpu"]) // frames)
    image_bytes = TRANSIENT * _kept_bytes(target, prior, lambda: try_step(target, prior, jobs, **how))
    fits = largest if free is None else max(1, min(largest, int(SHARE * free) // max(1, image_bytes)))
    together = any(term.together for _, term in jobs[0].objective.terms)
    if together or fits <= FIRST or (device.type == "cpu" and largest * image_bytes <= SMALL):
        return BatchSize(fits, image_bytes, free)
    seconds: dict[int, float] = {}

    def timed(size: int) -> float:
        count = len(split_batches(jobs, size)[0])  # fewer where there are no more jobs
        try_step(target, prior, jobs, count=count, **how)  # sets things up for batches of this size
        began = clock()
        try_step(target, prior, jobs, count=count, **how)
        seconds[size] = (clock() - began) / count
        return seconds[size]

    size = FIRST
    while _has(jobs, size + 1) and 2 * size <= fits:
        before = seconds[size] if size in seconds else timed(size)
        if timed(2 * size) >= GAIN * before:
            break
        size *= 2
    return BatchSize(size, image_bytes, free, seconds)


def _has(jobs: Sequence[Job], count: int) -> bool:
    """Whether the first so many jobs may share a batch."""
    return len(split_batches(jobs, count)[0]) == count


def _kept_bytes(target: Target, prior: Prior, take_step: Callable[[], None]) -> int:
    """The memory of what a step keeps for its backward passes, without the networks' weights; 0 if it can't be told."""
    kept: dict[int, int] = {}
    weights: set[int] = set()

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if not weights:  # which may be copies in another precision while the step is taken
            modules = (*modules_of(target), *modules_of(prior))
            weights.update(one.untyped_storage().data_ptr() for module in modules for one in module.parameters())
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    try:
        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            take_step()
    except DgnamError:  # functions of torch.func bear no such hooks
        return 0
    return sum(kept.values())
