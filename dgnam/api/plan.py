"""What a run will do: its jobs, and the record of all that decides its bytes."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..am import Bounds, Direction, Job, Objective, Partition, Settings, Start, partition_jobs
from ..am.framing import view
from ..am.images import file_name
from ..errors import DgnamError
from ..runs.folder import threads, versions
from .models import PriorInfo, TargetInfo

MOST_SEEDS = 2**32

MOST_JOBS = 1_000_000
"""The most images of one run: each has a place in memory before the first is made."""

_LONGEST_STEM = 200
"""Bytes; file systems take names of 255, and a suffix and a temporary name's letters are added."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Jobs for one target and one prior: each objective with each of the settings from each seed, in that order.

    start: where the codes start.
    partition: the batches, each of which is saved when it is done.
    record: all that decides the run's bytes, as JSON can hold it.
    """

    target: TargetInfo
    prior: PriorInfo
    jobs: tuple[Job, ...]
    clip: Bounds | None
    start: Start
    partition: Partition
    device: str
    record: Mapping[str, Any]

    def caption(self, job: int) -> str:
        """What a picture is labelled with."""
        return self.target.caption(self.jobs[job].objective)

    def file_stems(self) -> list[str]:
        """A file name without suffix for each job, as published where it is a unit's; no two are equal."""
        stems = [_cut(file_name(job.objective, job.settings, job.seed, suffix=""), job.seed) for job in self.jobs]
        counts: dict[str, int] = {}
        for stem in stems:
            counts[stem] = counts.get(stem, 0) + 1
        return [stem if counts[stem] == 1 else f"{stem}__job{index}" for index, stem in enumerate(stems)]


def make_plan(
    target: TargetInfo,
    prior: PriorInfo,
    objectives: Sequence[Objective],
    *,
    seeds: Sequence[int],
    settings: Sequence[Settings],
    clip: Bounds | None,
    start: Start,
    device: str = "cpu",
    batch_size: int = 100,
) -> Plan:
    """The plan of a run; whatever the target or the prior can't do is an error here, before any step is taken."""
    _check(objectives, seeds, settings)
    for objective in objectives:
        for _, term in objective.terms:
            term.check(target.target.layer_shape(term.layer))
    jobs = tuple(Job(o, seed, s) for o, s, seed in itertools.product(objectives, settings, seeds))
    bounds = None if clip is None else clip.shaped(prior.prior.code_shape)
    start.codes(list(seeds[:1]), prior.prior.code_shape)  # what can't be had is an error now
    partition = partition_jobs(jobs, batch_size)
    record = {
        "target": {"name": target.name, **target.record},
        "prior": {"name": prior.name, **prior.record},
        "objectives": [objective_record(objective) for objective in objectives],
        "seeds": list(seeds),
        "settings": [one.as_dict() for one in settings],
        "clip": _bounds_record(bounds),
        "start": dict(start.as_dict()),
        "view": repr(view(prior.prior.image_size, target.target.size)),
        "partition": [list(batch) for batch in partition],
        "device": device,
        "threads": threads(),
        "versions": versions(),
    }
    return Plan(target, prior, jobs, bounds, start, partition, device, record)


def _cut(stem: str, seed: int) -> str:
    """A name that is too long for files, its end cut off but for the seed."""
    content = stem.encode()
    return stem if len(content) <= _LONGEST_STEM else f"{content[:_LONGEST_STEM].decode(errors='ignore')}__{seed}"


def _check(objectives: Sequence[Objective], seeds: Sequence[int], settings: Sequence[Settings]) -> None:
    if not objectives or not seeds or not settings:
        raise DgnamError("there is nothing to do: give one or more objectives, seeds and settings")
    check_count(len(objectives) * len(seeds) * len(settings))
    for what, values in (("seed", seeds), ("objective", objectives)):
        if len(set(values)) < len(values):
            twice = next(value for value in values if list(values).count(value) > 1)
            raise DgnamError(f"{what} {twice} is given twice")
    outside = [seed for seed in seeds if not 0 <= seed < MOST_SEEDS]
    if outside:
        raise DgnamError(f"seed {outside[0]}: give one of 0 to {MOST_SEEDS - 1}")


def check_count(images: int) -> None:
    """Raise DgnamError where so many are too many for one run."""
    if images > MOST_JOBS:
        raise DgnamError(f"{images:,} images are too many for one run: at most {MOST_JOBS:,}")


def objective_record(objective: Objective) -> str:
    """Its text, and the checksums of the directions in it, whose vectors the text doesn't have."""
    sums = [_digest(term.vector) for _, term in objective.terms if isinstance(term, Direction)]
    return " ".join([str(objective), *(f"sha256:{digest}" for digest in sums)])


def _bounds_record(bounds: Bounds | None) -> Any:
    if bounds is None:
        return None
    ends = {"lower": bounds.lower, "upper": bounds.upper}
    return {k: f"sha256:{_digest(v)}" if isinstance(v, np.ndarray) else float(v) for k, v in ends.items()}


def _digest(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values, np.float32).tobytes()).hexdigest()
