"""Jobs, the batches that they share, and their results."""

from __future__ import annotations

import bisect
import enum
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

import numpy as np

from ..errors import DgnamError
from .checks import whole_number
from .objectives import Objective, Unit
from .settings import Settings, released

Batches = Sequence[range]
"""Contiguous ranges of jobs; the jobs of a range share every forward and backward pass."""


@dataclass(frozen=True)
class Job:
    """One image to synthesize."""

    objective: Objective
    seed: int = 0
    settings: Settings = field(default_factory=released)

    @property
    def unit(self) -> Unit:
        """The objective as a unit; raises DgnamError if it is anything else."""
        if not isinstance(self.objective, Unit):
            raise DgnamError(f"the published loop takes a single unit, and the objective is {self.objective}")
        return self.objective


class Jobs(Sequence[Job]):
    """Each objective with each of the settings from each seed, in this order, made on demand: takes constant memory."""

    def __init__(self, objectives: Sequence[Objective], settings: Sequence[Settings], seeds: Sequence[int]):
        self.objectives, self.settings, self.seeds = objectives, settings, seeds

    def __len__(self) -> int:
        return len(self.objectives) * len(self.settings) * len(self.seeds)

    @overload
    def __getitem__(self, index: int) -> Job: ...

    @overload
    def __getitem__(self, index: slice) -> list[Job]: ...

    def __getitem__(self, index: int | slice) -> Job | list[Job]:
        if isinstance(index, slice):
            return [self._job(place) for place in range(len(self))[index]]
        return self._job(range(len(self))[index])

    def __iter__(self) -> Iterator[Job]:
        return map(self._job, range(len(self)))

    def _job(self, place: int) -> Job:
        rest, seed = divmod(place, len(self.seeds))
        objective, settings = divmod(rest, len(self.settings))
        return Job(self.objectives[objective], self.seeds[seed], self.settings[settings])


class Stop(enum.IntEnum):
    """Why a job took no more steps, or why they led nowhere."""

    NONE = 0
    """It took all of its n_iters steps."""

    ZERO_GRADIENT = 1
    """The gradient by the image or the code was zero, as that of a silent unit."""

    NOT_FINITE = 2
    """The activation or its gradient was NaN or infinite."""

    FLAT = 3
    """It took all of its steps, and the activation changed by no more than rounding."""


@dataclass(frozen=True, eq=False)
class Result:
    """What jobs came to; the first axis of each array is that of `indices`.

    With a transform in the settings, images are without it and activations with it.

    indices: places of the jobs among all.
    images: (N, 3, h, w) float32, BGR, mean-subtracted, of the target's size: before the last update.
    codes: (N, *code_shape) float32, after the last update.
    activations: (N, steps) float32, of the image before each step's update; NaN after a job's last step.
    steps: (N,) int, steps taken: n_iters, or fewer if the job stopped.
    stopped: (N,) int8, a `Stop` for each.
    """

    indices: tuple[int, ...]
    images: np.ndarray
    codes: np.ndarray
    activations: np.ndarray
    steps: np.ndarray
    stopped: np.ndarray

    @property
    def last_activations(self) -> np.ndarray:
        """(N,), of `images`."""
        return self.activations[np.arange(len(self.steps)), self.steps - 1]


class _Split(Sequence[range]):
    """Batches of at most `size` jobs that end where the stretches of jobs do, made on demand."""

    def __init__(self, stretches: Sequence[range], size: int):
        self._stretches, self._size = stretches, size
        self._firsts = [0, *itertools.accumulate(-(-len(one) // size) for one in stretches)]

    def __len__(self) -> int:
        return self._firsts[-1]

    def __getitem__(self, index: Any) -> Any:
        places = range(len(self))[index]
        if isinstance(places, range):
            return [self[place] for place in places]
        stretch = bisect.bisect_right(self._firsts, places) - 1
        jobs, first = self._stretches[stretch], (places - self._firsts[stretch]) * self._size
        return jobs[first : first + self._size]


def split_batches(jobs: Sequence[Job], batch_size: int = 100) -> Sequence[range]:
    """All jobs in batches of at most `batch_size`, in their order; a batch reads one set of layers."""
    size, start, stretches = whole_number("batch_size", batch_size, 1), 0, []
    for stop in _ends(jobs):
        stretches.append(range(start, stop))
        start = stop
    return _Split(stretches, size)


def check_batches(jobs: Sequence[Job], batches: Batches) -> None:
    """Raise DgnamError unless the batches are disjoint, non-empty, contiguous ranges of the jobs."""
    stop, in_order = 0, True
    for batch in batches:
        if not isinstance(batch, range):
            raise DgnamError(f"batch {batch!r}: give ranges of jobs, as of split_batches")
        in_order, stop = in_order and batch.start >= stop, batch.stop
    stop = 0
    for batch in batches if in_order else sorted(batches, key=lambda batch: batch.start):
        if len(batch) == 0 or batch.step != 1 or batch.start < stop or batch.stop > len(jobs):
            raise DgnamError(
                f"batch {batch}: give disjoint, non-empty ranges of the jobs 0 to {len(jobs) - 1}, as of split_batches"
            )
        stop = batch.stop


def gather(results: Iterable[Result], count: int | None = None) -> Result:
    """The results of several batches as one, in the order of the jobs.

    count: of jobs, where there are results of all: images and codes then go to their places as they come, and are held
        once.
    """
    whole: dict[str, np.ndarray] = {}
    parts = list(results) if count is None else [_moved(part, whole, count) for part in results]
    indices = np.concatenate([part.indices for part in parts])
    order = np.argsort(indices, kind="stable")
    images, codes = (whole[name] if whole else np.concatenate([getattr(p, name) for p in parts]) for name in _LARGE)
    width = max(part.activations.shape[1] for part in parts)
    pads = [((0, 0), (0, width - part.activations.shape[1])) for part in parts]
    traces = [np.pad(part.activations, pad, constant_values=np.nan) for part, pad in zip(parts, pads, strict=True)]
    return Result(
        tuple(int(i) for i in indices[order]),
        images if whole else images[order],
        codes if whole else codes[order],
        np.concatenate(traces)[order],
        np.concatenate([part.steps for part in parts])[order],
        np.concatenate([part.stopped for part in parts])[order],
    )


_LARGE = ("images", "codes")


def _moved(part: Result, whole: dict[str, np.ndarray], count: int) -> Result:
    """The part without its large arrays, which are moved to the places of its jobs."""
    for name in _LARGE:
        values = getattr(part, name)
        whole.setdefault(name, np.empty((count, *values.shape[1:]), values.dtype))[list(part.indices)] = values
    nothing = np.empty(0, np.float32)
    return replace(part, images=nothing, codes=nothing)


def places_of_change(jobs: Sequence[Job], places: range) -> Iterator[int]:
    """The first of `places`, and those where a job may differ from the one before in more than its seed."""
    each = len(jobs.seeds) if isinstance(jobs, Jobs) else 1
    if places:
        yield places.start
        yield from range((places.start // each + 1) * each, places.stop, each)


def _ends(jobs: Sequence[Job]) -> Iterator[int]:
    """Where each run of jobs that read the same layers ends."""
    objective, layers = None, None
    for place in places_of_change(jobs, range(len(jobs))):
        job = jobs[place]
        if job.objective is objective:
            continue
        objective, found = job.objective, frozenset(job.objective.layers)
        if layers is not None and found != layers:
            yield place
        layers = found
    if layers is not None:
        yield len(jobs)
