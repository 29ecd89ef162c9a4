"""The loop of a generator's training in its run's folder: batches, log, checkpoints, sheets, and where it stops."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from ..caffe.modules.caffe_module import CaffeModule
from ..caffe.proto import pb
from ..errors import DgnamError
from .checkpoint import training_in
from .curves import Curves
from .device_loader import stream_on
from .image_loader import ImageLoader
from .progress import Progress

_ON_SHEET = 16


class GeneratorTraining(Protocol):
    """The networks of a generator's training and their update rules.

    identity: all that decides the weights, as the run's record has it.
    seconds: what earlier processes of the run took.
    """

    solver: pb.SolverParameter
    identity: dict[str, Any]
    seconds: float

    @property
    def net(self) -> CaffeModule:
        """The generator that learns."""

    def step(self, iteration: int, real: Tensor, log: bool) -> dict[str, float]:
        """One update by the pictures `real`, (N, 3, H, W) BGR, mean-subtracted; with `log` returns its losses."""

    def sheet(self, real: Tensor, path: Path) -> None:
        """Write pictures over their reconstructions, as a PNG."""

    def state(self, iteration: int, seconds: float) -> dict[str, Any]:
        """What a checkpoint holds."""

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a checkpoint's state."""


def run_training(
    run: GeneratorTraining,
    loader: ImageLoader,
    folder: Path,
    *,
    device: str,
    time_limit: float | None,
    spec: Mapping[str, Any],
    progress: bool,
) -> bool:
    """Train, or go on from the checkpoint in `folder`; returns whether the last iteration was reached.

    time_limit: seconds after which the run saves its checkpoint and stops, to be continued by the same call.
    spec: the keyword arguments of `dgnam.api.train.train` that do this training, for `dgnam resume`.
    Raises Interrupted after Ctrl-C or SIGTERM, at a checkpoint.
    """
    solver, total = run.solver, run.solver.max_iter
    with training_in(folder, run.identity, spec, total) as training:
        first = training.resume(run.restore)
        if first > total:
            raise DgnamError(
                f"{folder}: the training can't end at iteration {total}, since its checkpoint is at {first} already; "
                "give a max_iter of as many or more, or another folder to train anew"
            )
        shown = Progress(
            folder,
            run.net.plan.name,
            first=first,
            total=total,
            images=loader.layer.batch_size,
            before=run.seconds,
            device=torch.device(device).type,
            show=progress,
        )
        curves = Curves(folder)
        with closing(shown), closing(stream_on(loader, device, first, total)) as stream:
            for iteration in range(first, total):
                batch, _ = shown.wait(stream)
                real = torch.as_tensor(batch).to(device, memory_format=torch.channels_last)
                done = iteration + 1
                log = done % max(solver.display, 1) == 0
                losses = run.step(iteration, real, log)
                shown.step()
                if log:
                    shown.log(done, **losses)
                drawn = solver.snapshot and done % solver.snapshot == 0
                over = time_limit is not None and shown.elapsed > time_limit
                ends = over or bool(training.stop) or done == total
                if drawn or ends:
                    training.save(run.state(done, shown.elapsed))
                    curves.draw(at_end=ends)
                if drawn:
                    run.sheet(real[:_ON_SHEET], folder / f"sheet-{done:06d}.png")
                training.end_if_stopped(done, total)
                if over and done < total:
                    training.pause("time limit")
                    return False
    return True
