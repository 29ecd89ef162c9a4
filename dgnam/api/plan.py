"""What a run will do: its jobs in batches, and all that decides their bytes."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from ..am import (
    Bounds,
    ClusterStart,
    CodeFileStart,
    Direction,
    EachFrameStart,
    ImageStart,
    Job,
    Jobs,
    MeanImageStart,
    Objective,
    Settings,
    Start,
    split_batches,
)
from ..am.batch_size import BatchSize, choose_batch_size
from ..am.framing import frame_for
from ..am.images import file_name
from ..am.published.backend import backend_name, find_backend
from ..am.synthesize import try_step
from ..caffe.modules.precision import FLOAT32
from ..errors import DgnamError
from ..files.checksums import sha256, sha256_of_array
from ..files.paths import existing_file
from ..process.memory import available_memory
from ..runs.folder import IN_ONE_FOLDER
from ..runs.ranges import from_ranges, to_ranges
from .priors import ResolvedPrior
from .published import check_published
from .sheet import Sweep, settings_names
from .targets import ResolvedTarget

MOST_SEEDS = 2**32

MOST_JOBS = 10_000_000
"""The most images of one run."""

_MOST_COMPARED = 50
"""Seeds whose first codes are compared with each other."""

_LONGEST_STEM = 200
"""Bytes; file systems take names of 255, and a suffix and a temporary name's letters are added."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Jobs for one target and one prior: each objective with each of the settings from each seed, in that order.

    start: where the codes start.
    batches: the jobs that share passes, each saved as a chunk when it is done.
    backend: the module whose nets run the published loop, each image a batch of its own; None takes the batched loop.
    precision: that the networks compute in.
    measured: how the batch size was chosen; None where it was given.
    """

    target: ResolvedTarget
    prior: ResolvedPrior
    jobs: Jobs
    clip: Bounds | None
    start: Start
    batches: Sequence[range]
    batch_size: int
    device: str
    backend: ModuleType | None = None
    precision: str = FLOAT32
    measured: BatchSize | None = None

    @property
    def title(self) -> str:
        """What its sheets are headed with: target, prior, and a precision other than float32."""
        own = "" if self.precision == FLOAT32 else f", {self.precision}"
        return f"{self.target.name}, prior {self.prior.name}{own}"

    @property
    def frames(self) -> int:
        """The frames of a clip, side by side in each image; 1 where the target sees images."""
        return int(getattr(self.target.target, "frames", 1))

    @cached_property
    def sweep(self) -> Sweep:
        """How the jobs come, for sheets and traces."""
        return Sweep(settings_names([one.as_dict() for one in self.jobs.settings]), len(self.jobs.seeds))

    def caption(self, job: int) -> str:
        """What a picture is labeled with."""
        return self.target.caption(self.jobs[job].objective)

    def stem(self, job: int) -> str:
        """A file name without suffix, as published where the objective is a unit; no two jobs have the same."""
        asked = self.jobs[job]
        stem = _cut(file_name(asked.objective, asked.settings, asked.seed, suffix=""), asked.seed)
        return stem if self._distinct else f"{stem}__job{job}"

    def place(self, job: int) -> str:
        """The stem with the folder that it lies in, where there are many."""
        return self.stem(job) if len(self.jobs) <= IN_ONE_FOLDER else f"{job // IN_ONE_FOLDER:04d}/{self.stem(job)}"

    def chunk(self, batch: int) -> str:
        """The name of a batch's chunk."""
        few = len(self.batches) <= IN_ONE_FOLDER
        return f"{batch:05d}" if few else f"{batch // IN_ONE_FOLDER:04d}/{batch:05d}"

    def warn_alike(self, stacklevel: int) -> None:
        """Warn where two seeds give the same picture: they begin at the same code, and nothing else is drawn."""
        seeds = list(self.jobs.seeds[:_MOST_COMPARED])
        if len(seeds) < 2 or all(settings.transform is not None for settings in self.jobs.settings):
            return
        first: dict[str, int] = {}
        for seed, code in zip(seeds, self.start.codes(seeds, self.prior.prior.code_shape), strict=False):
            other = first.setdefault(sha256_of_array(code), seed)
            if other != seed:
                warnings.warn(
                    f"seeds {other} and {seed} begin at the same code, and these settings draw nothing at random, so "
                    "that their images are the same; random codes (no --start) or settings with jitter make others",
                    stacklevel=stacklevel + 1,
                )
                return

    @cached_property
    def _distinct(self) -> bool:
        """Whether published names tell all jobs apart; they leave out places, and most settings."""
        jobs = self.jobs
        stems = {
            _cut(file_name(objective, settings, 0, suffix=""), 0)
            for objective in jobs.objectives
            for settings in jobs.settings
        }
        return len(stems) == len(jobs.objectives) * len(jobs.settings)

    def inputs(self) -> dict[str, Any]:
        """All that decides the run's bytes, as JSON can hold it."""
        clips = {} if self.frames == 1 else {"frames": self.frames}
        precision = {} if self.precision == FLOAT32 else {"precision": self.precision}
        return {
            **clips,
            **precision,
            "target": {"name": self.target.name, **self.target.record},
            "prior": {"name": self.prior.name, **self.prior.record},
            "objectives": [objective_record(objective) for objective in self.jobs.objectives],
            "seeds": to_ranges(self.jobs.seeds),
            "settings": [settings.as_dict() for settings in self.jobs.settings],
            "clip": bounds_record(self.clip),
            "start": start_record(self.start),
            "framing": repr(frame_for(self.prior.prior.image_size, self.target.target)),
            "batch_size": self.batch_size,
            "device": self.device,
            "backend": None if self.backend is None else backend_name(self.backend),
        }


def make_plan(
    target: ResolvedTarget,
    prior: ResolvedPrior,
    objectives: Sequence[Objective],
    *,
    seeds: Sequence[int],
    settings: Sequence[Settings],
    clip: Bounds | None,
    start: Start,
    device: str = "cpu",
    batch_size: int | None = None,
    backend: str | None = None,
    precision: str = FLOAT32,
) -> Plan:
    """The plan of a run; whatever target, prior or backend can't do is an error here, before any step is taken.

    batch_size: None to choose it.
    """
    _check(objectives, seeds, settings)
    for objective in objectives:
        for _, term in objective.terms:
            term.check(target.target.layer_shape(term.layer))
    jobs = Jobs(objectives, settings, seeds)
    bounds = None if clip is None else clip.shaped(prior.prior.code_shape)
    start.codes(list(seeds[:1]), prior.prior.code_shape)  # what can't be had is an error now
    nets, measured = None if backend is None else find_backend(backend), None
    if nets is not None:
        check_published(target, prior, objectives, settings, device, precision)
        batch_size = 1 if batch_size is None else min(batch_size, 1)  # each image is saved when it is done
    else:
        how: dict[str, Any] = {"clip": bounds, "start_codes": start, "device": device, "precision": precision}
        for objective in {objective.layers: objective for objective in reversed(objectives)}.values():
            job = Job(objective, seeds[0], settings[0])
            try_step(target.target, prior.prior, [job], **how)
        if batch_size is None:
            frames = int(getattr(target.target, "frames", 1))
            measured = choose_batch_size(target.target, prior.prior, jobs, free=_free(device), frames=frames, **how)
            batch_size = measured.size
    batches = split_batches(jobs, batch_size)
    return Plan(target, prior, jobs, bounds, start, batches, batch_size, device, nets, precision, measured)


def _free(device: str) -> int | None:
    """The bytes of memory that can be had on a device."""
    return available_memory() if device == "cpu" else int(torch.cuda.mem_get_info(device)[0])


def choose_seeds(seeds: int | Sequence[int | str], seed: int = 0) -> Sequence[int]:
    """The seeds `seed`, `seed + 1`, … of a number of them, or those of a list, in which "10-19" stands for ten."""
    if isinstance(seeds, int | np.integer) and not isinstance(seeds, bool):
        if seeds < 1:
            raise DgnamError(f"seeds {seeds}: give how many images each objective gets, or the seeds as a list")
        check_count(int(seeds))
        return range(int(seed), int(seed) + int(seeds))
    try:
        listed = to_ranges(from_ranges(seeds))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DgnamError(f"seeds {seeds!r}: give how many images each objective gets, or a list of seeds") from None
    check_count(sum(map(len, from_ranges(listed))))
    ranges = from_ranges(listed)
    return next(ranges) if len(listed) == 1 else list(itertools.chain.from_iterable(ranges))


def check_count(images: int) -> None:
    """Raise DgnamError where so many are too many for one run."""
    if images > MOST_JOBS:
        raise DgnamError(f"{images:,} images are too many for one run: at most {MOST_JOBS:,}")


def objective_record(objective: Objective) -> str:
    """Its text, and the checksums of the directions in it, whose vectors the text doesn't have."""
    sums = [sha256_of_array(term.vector) for _, term in objective.terms if isinstance(term, Direction)]
    return " ".join([str(objective), *(f"sha256:{digest}" for digest in sums)])


def start_record(start: Start) -> dict[str, Any]:
    """What it says of itself, with the names of its files, wherever they lie, and the checksums of pictures."""
    record = dict(start.as_dict())
    if isinstance(start, EachFrameStart):
        record["of"] = start_record(start.start)
    if isinstance(start, ImageStart | CodeFileStart):
        record["file"] = Path(start.path).name
    if isinstance(start, MeanImageStart):
        record["images"] = [Path(path).name for path in start.paths]
        record["sha256"] = [sha256(existing_file(path)) for path in start.paths]
    if isinstance(start, ClusterStart):
        record["source"] = Path(str(record.get("source"))).name
        record["clusters"] = [[Path(name).name for name in names] for names in start.members]
    return record


def bounds_record(bounds: Bounds | None) -> Any:
    """The ends as numbers, or the checksums of arrays."""
    if bounds is None:
        return None
    ends = {"lower": bounds.lower, "upper": bounds.upper}
    return {k: f"sha256:{sha256_of_array(v)}" if isinstance(v, np.ndarray) else float(v) for k, v in ends.items()}


def _cut(stem: str, seed: int) -> str:
    """A name that is too long for files, its end cut off but for the seed."""
    content = stem.encode()
    return stem if len(content) <= _LONGEST_STEM else f"{content[:_LONGEST_STEM].decode(errors='ignore')}__{seed}"


def _check(objectives: Sequence[Objective], seeds: Sequence[int], settings: Sequence[Settings]) -> None:
    if not objectives or not seeds or not settings:
        raise DgnamError("there is nothing to do: give one or more objectives, seeds and settings")
    check_count(len(objectives) * len(seeds) * len(settings))
    check_asked(objectives, seeds)


def check_asked(objectives: Sequence[Objective | None], seeds: Sequence[int]) -> None:
    """Raise DgnamError for an objective or a seed that is given twice, and for seeds that can't be."""
    for what, values in (("seed", seeds), ("objective", objectives)):
        if not isinstance(values, range) and len(set(values)) < len(values):
            seen: set[Any] = set()
            twice = next(value for value in values if value in seen or seen.add(value))  # type: ignore[func-returns-value]
            raise DgnamError(f"{what} {twice} is given twice")
    ends = (seeds[0], seeds[-1]) if isinstance(seeds, range) else seeds
    wrong = next((seed for seed in ends if not 0 <= seed < MOST_SEEDS), None)
    if wrong is not None:
        raise DgnamError(f"seed {wrong}: give one of 0 to {MOST_SEEDS - 1}")
