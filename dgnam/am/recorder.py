"""Pictures of the steps of selected jobs, for animations.

frames = Frames([0, 3], every=5)
results = list(synthesize(target, prior, jobs, clip=bounds, on_step=frames))
film = frames.film(3)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..errors import DgnamError
from .images import picture
from .synthesize import Step


@dataclass(frozen=True, eq=False)
class Film:
    """The recorded steps of a job, in order.

    steps: (n,) int, their numbers.
    pictures: (n, h, w, 3) uint8, RGB, of the images before each step's update.
    activations: (n,) float32, of these images.
    """

    steps: np.ndarray
    pictures: np.ndarray
    activations: np.ndarray


class Frames:
    """Records every `every`-th step of the selected jobs and each one's last; an `on_step` for `synthesize`.

    jobs: their places among the jobs of `synthesize`.
    """

    def __init__(self, jobs: Iterable[int], every: int = 1):
        self.jobs, self.every = tuple(dict.fromkeys(jobs)), every
        if every < 1:
            raise DgnamError(f"every {every}: give 1 for each step, 2 for every second one, …")
        if not self.jobs or min(self.jobs) < 0:
            raise DgnamError(f"jobs {list(self.jobs)}: give the places of one or more jobs, counted from 0")
        self._kept: dict[int, list[tuple[int, np.ndarray, float]]] = {}

    def __call__(self, step: Step) -> None:
        rows = [row for row, job in enumerate(step.indices) if job in self.jobs]
        active = step.active[rows].tolist()
        for row, moves in zip(rows, active, strict=True):
            if moves:
                self._keep(step.indices[row], step.step, step.images[row].cpu().numpy(), float(step.activations[row]))

    def film(self, job: int) -> Film:
        """The recorded steps of a job; raises DgnamError if it was not selected or took no step."""
        if job not in self._kept:
            why = "took no step" if job in self.jobs else f"was not selected; selected are {list(self.jobs)}"
            raise DgnamError(f"job {job} {why}")
        steps, pictures, activations = zip(*self._kept[job], strict=True)
        return Film(np.array(steps), np.stack(pictures), np.array(activations, np.float32))

    def _keep(self, job: int, step: int, image: np.ndarray, activation: float) -> None:
        """Record a step, and drop the one before unless it is an `every`-th."""
        kept = self._kept.setdefault(job, [])
        if step == 0:
            kept.clear()  # of an earlier run
        if kept and kept[-1][0] % self.every:
            kept.pop()
        kept.append((step, picture(image), activation))
