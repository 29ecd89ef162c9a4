"""What a step of the loop takes, of a target and a prior.

loop = Loop("caffenet", CaffeTarget(stand_in("caffenet")), GeneratorPrior(stand_in("deepsim-fc6")), "fc8")
loop.seconds(16, "bfloat16")  # a step of 16 images, after a first one that sets things up
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..am import Bounds, Job, Prior, Step, Target, Unit, released, synthesize


@dataclass(frozen=True, eq=False)
class Loop:
    """The loop on a target's layer and a prior, by the published settings.

    clip: what codes are clipped to; None for no clip.
    """

    name: str
    target: Target
    prior: Prior
    layer: str
    clip: Bounds | None = None
    device: str = "cpu"

    def seconds(
        self,
        batch: int,
        precision: str = "float32",
        steps: int = 2,
        clock: Callable[[], float] = time.perf_counter,
    ) -> float:
        """Seconds of a step of so many images, the mean of `steps` after a first one that is not counted."""
        jobs = [Job(Unit(self.layer, row), row, released(n_iters=steps + 1)) for row in range(batch)]
        times: list[float] = []

        def note(step: Step) -> None:
            if self.device != "cpu":
                torch.cuda.synchronize(self.device)
            times.append(clock())

        how = {"device": self.device, "precision": precision, "progress": False, "on_step": note}
        for _ in synthesize(self.target, self.prior, jobs, clip=self.clip, batches=[range(batch)], **how):  # type: ignore[arg-type]
            pass
        return (times[-1] - times[0]) / (len(times) - 1)
