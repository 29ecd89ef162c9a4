"""The published loop for many jobs at once: a job is an objective, a seed and settings.

    target = CaffeTarget(CaffeModule(read_net("caffenet.prototxt"), weights))
    prior = GeneratorPrior(CaffeModule(read_net("generator.prototxt"), weights))
    jobs = [Job(Unit("fc8", i), seed=0) for i in range(1000)]
    for result in synthesize(target, prior, jobs, clip=act_range_bounds(upper)):
        result.images  # (100, 3, 227, 227), of the jobs result.indices

Each job takes the steps of `reference.py`; only float noise between batch sizes differs.  The jobs of a batch share
every forward and backward pass, one of each through prior and target, since what is climbed is the sum of theirs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..errors import DgnamError
from .framing import view
from .objectives.objective import Objective, Unit
from .objectives.readout import Look
from .priors import Prior
from .regularizers.bounds import Bounds
from .regularizers.regularizer import Moment, Regularisation, Rule, after
from .settings import Settings, released
from .starts.start import RandomStart, Start
from .steps.update_rule import Ascent, PerMean, mean_size, of_rows, square_sum
from .targets.target import Target

Partition = tuple[tuple[int, ...], ...]
Rows = Tensor | slice
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Job:
    """One image to be made."""

    objective: Objective
    seed: int = 0
    settings: Settings = field(default_factory=released)

    @property
    def unit(self) -> Unit:
        """The objective, where it is a single unit; anything else is an error."""
        if not isinstance(self.objective, Unit):
            raise DgnamError(f"the published loop takes a single unit, and the objective is {self.objective}")
        return self.objective


@dataclass(frozen=True, eq=False)
class Result:
    """What a batch of jobs came to; the first axis of each array is that of `indices`.

    Where the settings have a transform, images are without it, and activations are of what it made of them.

    indices: the jobs' places among all that were given.
    images: (N, 3, h, w) float32, BGR, mean-subtracted, each of the target's size: the one before the last update.
    codes: (N, *code_shape) float32, after the last update.
    activations: (N, steps) float32, of the image before each step's update; NaN after a job's last step.
    steps: (N,) int, how many each job took: n_iters, or fewer where its gradient vanished.
    """

    indices: tuple[int, ...]
    images: np.ndarray
    codes: np.ndarray
    activations: np.ndarray
    steps: np.ndarray

    @property
    def last_activations(self) -> np.ndarray:
        """(N,), those of `images`."""
        return self.activations[np.arange(len(self.steps)), self.steps - 1]


@dataclass(frozen=True, eq=False)
class Step:
    """What a step found, for a caller that watches; tensors on the run's device, valid during the call.

    batch, step: the places of the batch in the partition and of the step in the batch.
    indices: the jobs; `active` (N,) tells those that still move.
    codes, images: the codes before the step's update, and the images, of the target's size, that they give.
    activations: (N,), of these images.
    """

    batch: int
    step: int
    indices: tuple[int, ...]
    active: Tensor
    codes: Tensor
    images: Tensor
    activations: Tensor


OnStep = Callable[[Step], None]


def synthesize(
    target: Target,
    prior: Prior,
    jobs: Sequence[Job],
    *,
    clip: Bounds | None,
    batch_size: int = 100,
    partition: Partition | None = None,
    first_batch: int = 0,
    start_codes: np.ndarray | Start | None = None,
    device: str | torch.device = "cpu",
    progress: bool = True,
    on_step: OnStep | None = None,
) -> Iterator[Result]:
    """Optimize a code for each job, and yield a `Result` for each batch as it is done.

    clip: what codes are clipped to; None leaves them free.
    partition: which jobs share a batch, as `partition_jobs` gives it (with `batch_size`, where None).  A result's bytes
        repeat for the same jobs, partition, number of threads and device; so a resumed run gives the recorded
        partition again and, in `first_batch`, the first batch that is not done.
    start_codes: (jobs, *code_shape), in place of the random codes that the jobs' seeds draw; or a start, which gives
        the jobs of a batch their codes when it begins.
    progress: show a bar that counts steps.
    on_step: called at each step of each batch, before the update.
    """
    if partition is None:
        partition = partition_jobs(jobs, batch_size)
    _check_partition(partition, jobs)
    if isinstance(start_codes, np.ndarray) and start_codes.shape != (len(jobs), *prior.code_shape):
        raise DgnamError(f"start_codes have shape {start_codes.shape}; {(len(jobs), *prior.code_shape)} is needed")
    place = torch.device(device)
    target.to(place)
    prior.to(place)
    bounds = None if clip is None else clip.shaped(prior.code_shape)
    batches = [_Batch(target, prior, jobs, k, partition[k], bounds, place) for k in range(first_batch, len(partition))]
    return _run(batches, start_codes, progress, on_step)


def partition_jobs(jobs: Sequence[Job], batch_size: int = 100) -> Partition:
    """The jobs' indices in batches of at most `batch_size`; the objectives of a batch read the same layers."""
    if batch_size < 1:
        raise DgnamError(f"batch_size {batch_size} must be at least 1")
    layers: dict[tuple[str, ...], list[int]] = {}
    for index, job in enumerate(jobs):
        layers.setdefault(job.objective.layers, []).append(index)
    return tuple(
        tuple(indices[first : first + batch_size])
        for indices in layers.values()
        for first in range(0, len(indices), batch_size)
    )


def gather(results: Iterable[Result]) -> Result:
    """The results of several batches as one, in the order of the jobs."""
    parts = list(results)
    indices = np.concatenate([part.indices for part in parts])
    order = np.argsort(indices, kind="stable")
    width = max(part.activations.shape[1] for part in parts)
    pads = [((0, 0), (0, width - part.activations.shape[1])) for part in parts]
    traces = [np.pad(part.activations, pad, constant_values=np.nan) for part, pad in zip(parts, pads, strict=True)]
    return Result(
        tuple(int(i) for i in indices[order]),
        np.concatenate([part.images for part in parts])[order],
        np.concatenate([part.codes for part in parts])[order],
        np.concatenate(traces)[order],
        np.concatenate([part.steps for part in parts])[order],
    )


def _check_partition(partition: Partition, jobs: Sequence[Job]) -> None:
    if sorted(index for indices in partition for index in indices) != list(range(len(jobs))):
        raise DgnamError(f"the partition into batches doesn't hold each of the {len(jobs)} jobs once")
    for indices in partition:
        layers = sorted({jobs[index].objective.layers for index in indices})
        if len(layers) != 1:
            raise DgnamError(f"a batch takes jobs of the same layers, and one of the partition has {layers}")


def _run(
    batches: Sequence[_Batch], start_codes: np.ndarray | Start | None, progress: bool, on_step: OnStep | None
) -> Iterator[Result]:
    total = sum(batch.n_steps for batch in batches)
    with tqdm(total=total, unit="step", disable=not progress, desc="synthesizing") as bar:
        for batch in batches:
            with _repeatable(batch.device):
                result = batch.run(start_codes, on_step, bar)
            yield result


@contextlib.contextmanager
def _repeatable(device: torch.device) -> Iterator[None]:
    """Algorithms whose results repeat, in full float32; where a GPU lacks one, torch warns."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    tf32 = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.use_deterministic_algorithms(True, warn_only=device.type != "cpu")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = tf32


@dataclass(frozen=True, eq=False)
class _Update:
    """One step of each row: what the old codes gave, the new codes, and which rows stop here."""

    images: Tensor
    activations: Tensor
    codes: Tensor
    stops: Tensor


class _Batch:
    """Jobs that take their steps together, with all that stays the same from step to step."""

    def __init__(
        self,
        target: Target,
        prior: Prior,
        jobs: Sequence[Job],
        place: int,
        indices: tuple[int, ...],
        bounds: Bounds | None,
        device: torch.device,
    ):
        self.target, self.prior, self.place, self.indices, self.device = target, prior, place, indices, device
        self.jobs = [jobs[index] for index in indices]
        self.look = Look(target, [job.objective for job in self.jobs], device)
        self.view = view(prior.image_size, target.size)
        self.n_iters = torch.tensor([job.settings.n_iters for job in self.jobs], device=device)
        self.n_steps = int(self.n_iters.max())
        self.bounds = None if bounds is None else [torch.as_tensor(b).to(device) for b in (bounds.lower, bounds.upper)]
        self.rules: list[tuple[Regularisation, Rows]] = self._rows_by(lambda job: job.settings.regularisation)
        self.ascents: list[tuple[Ascent, Rows, dict[str, Tensor]]] = [
            (ascent, rows, {}) for ascent, rows in self._rows_by(lambda job: job.settings.ascent)
        ]
        self.rescales = [job.settings.ascent.rescales for job in self.jobs]
        self.transforms = any(job.settings.transform is not None for job in self.jobs)

    def run(self, start_codes: np.ndarray | Start | None, on_step: OnStep | None, bar: tqdm[NoReturn]) -> Result:
        """Take all steps.  A job that is done, or whose gradient has vanished, keeps its code and image."""
        codes = self._start(start_codes)
        active = torch.ones(len(codes), dtype=torch.bool, device=self.device)
        steps = torch.zeros(len(codes), dtype=torch.int64, device=self.device)
        images = torch.zeros(len(codes), 3, *self.target.size, device=self.device)
        trace = torch.full((len(codes), self.n_steps), torch.nan, device=self.device)
        for step in range(self.n_steps):
            update = self._advance(codes, step)
            if on_step is not None:
                on_step(Step(self.place, step, self.indices, active, codes, update.images, update.activations))
            images = torch.where(of_rows(active, images), update.images, images)
            codes = torch.where(of_rows(active, codes), update.codes, codes)
            trace[:, step] = torch.where(active, update.activations, torch.nan)
            steps += active
            active = active & ~update.stops & (step + 1 < self.n_iters)
            bar.update()
            if not active.any():
                bar.update(self.n_steps - step - 1)
                break
        return Result(self.indices, *(_numpy(t) for t in (images, codes, trace, steps)))

    def _advance(self, codes: Tensor, step: int) -> _Update:
        """One step of each row: the published loop's, or what its settings have in place of a part of it."""
        codes = codes.detach().requires_grad_()
        outer = self.prior(codes)
        images = self.view(outer)
        shown = self.view(self._transformed(outer, step)) if self.transforms else images
        seen = shown.detach().requires_grad_()
        activations = self.look(seen)
        if not activations.requires_grad:
            raise DgnamError(
                "the target gives no gradient by its images (rounded, detached, or NumPy inside?); a search without "
                "gradients needs none: dgnam.visualize(…, method='cma')"
            )
        (image_gradient,) = torch.autograd.grad(activations.sum(), seen)
        step_sizes = self._step_sizes(step)
        change, scales = self._change(seen.detach(), image_gradient, step_sizes)
        (code_gradient,) = torch.autograd.grad(shown, codes, change)
        stops = (square_sum(image_gradient) == 0) | (square_sum(code_gradient) == 0)
        codes = codes.detach()
        moment = Moment(step, code_gradient.clone())
        self._regularise(codes, code_gradient, scales, moment)
        new = self._limit(self._ascend(codes, code_gradient, step_sizes, stops), moment)
        return _Update(images.detach(), activations.detach(), new, stops)

    def _transformed(self, images: Tensor, step: int) -> Tensor:
        """The prior's images as the jobs' transforms show them in this step."""
        rows = zip(images, self.jobs, strict=True)
        transforms = ((image, job.settings.transform, job.seed) for image, job in rows)
        return torch.stack([image if to is None else to(image, seed, step) for image, to, seed in transforms])

    def _change(self, images: Tensor, gradient: Tensor, step_sizes: Tensor) -> tuple[Tensor, Tensor]:
        """What goes back through the prior, and by which number the objective's gradient has been multiplied for it."""
        change, scales = _climb(images, gradient, step_sizes) - images, step_sizes / mean_size(gradient)
        if not all(self.rescales):
            rescaled = torch.tensor(self.rescales, device=self.device)
            sound = torch.where(of_rows(square_sum(gradient) > 0, gradient), gradient, 0)
            change = torch.where(of_rows(rescaled, change), change, sound)
            scales = torch.where(rescaled, scales, 1)
        return change, scales

    def _regularise(self, codes: Tensor, gradient: Tensor, scales: Tensor, moment: Moment) -> None:
        """Add what the rules pull at the codes to the gradient, scaled as the objective's is, and mask it."""
        for rule, rows in self.rules:
            pull = rule.gradient(codes[rows])
            if pull is not None:
                gradient[rows] += pull * of_rows(scales[rows], pull)
            if isinstance(rule, Rule):
                gradient[rows] = rule.masked(gradient[rows], Moment(moment.step, moment.gradient[rows]))

    def _ascend(self, codes: Tensor, gradient: Tensor, step_sizes: Tensor, stops: Tensor) -> Tensor:
        """The codes after each row's ascent.  Rows stay that stop, and where the gradient is zero or NaN."""
        moves = (square_sum(gradient) > 0) & ~stops
        new = codes.clone()
        for ascent, rows, memory in self.ascents:
            new[rows] = codes[rows] + ascent.move(gradient[rows], step_sizes[rows], memory)
        return torch.where(of_rows(moves, codes), new, codes)

    def _limit(self, codes: Tensor, moment: Moment) -> Tensor:
        """The codes after the clip and then the rules."""
        if self.bounds is not None:
            codes = torch.minimum(torch.maximum(codes, self.bounds[0]), self.bounds[1])
        for rule, rows in self.rules:
            codes[rows] = after(rule, codes[rows], Moment(moment.step, moment.gradient[rows]))
        return codes

    def _rows_by(self, kind: Callable[[Job], Kind]) -> list[tuple[Kind, Rows]]:
        """Each kind of job with the rows that are of it."""
        rows: dict[Kind, list[int]] = {}
        for row, job in enumerate(self.jobs):
            rows.setdefault(kind(job), []).append(row)
        if len(rows) == 1:
            return [(one, slice(None)) for one in rows]
        return [(one, torch.tensor(own, device=self.device)) for one, own in rows.items()]

    def _step_sizes(self, step: int) -> Tensor:
        """(N,) float32; of a job that is done, which no longer moves, any number."""
        return torch.tensor([job.settings.step_size(step) for job in self.jobs], device=self.device)

    def _start(self, start_codes: np.ndarray | Start | None) -> Tensor:
        if isinstance(start_codes, np.ndarray):
            codes = start_codes[list(self.indices)]
        else:
            start = RandomStart() if start_codes is None else start_codes
            codes = start.codes([job.seed for job in self.jobs], self.prior.code_shape)
        return torch.from_numpy(codes.astype(np.float32)).to(self.device)


def _climb(values: Tensor, gradient: Tensor, step_sizes: Tensor) -> Tensor:
    """Each row of `values` + step size / mean |gradient| * gradient; rows stay where the gradient is zero or NaN."""
    moves = square_sum(gradient) > 0
    return torch.where(of_rows(moves, values), values + PerMean().move(gradient, step_sizes, {}), values)


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.contiguous().cpu().numpy()
