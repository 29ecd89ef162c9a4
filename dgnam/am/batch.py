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
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..caffe.errors import CaffeError
from .clip import Bounds
from .config import Settings, released
from .objective import Objective, Term, Unit
from .priors import Prior
from .regularisation import Regularisation
from .start import random_code
from .target import Target
from .view import view

Partition = tuple[tuple[int, ...], ...]


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
            raise CaffeError(f"the published loop takes a single unit, and the objective is {self.objective}")
        return self.objective


@dataclass(frozen=True, eq=False)
class Result:
    """What a batch of jobs came to; the first axis of each array is that of `indices`.

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
    start_codes: np.ndarray | None = None,
    device: str | torch.device = "cpu",
    progress: bool = True,
    on_step: OnStep | None = None,
) -> Iterator[Result]:
    """Optimize a code for each job, and yield a `Result` for each batch as it is done.

    clip: what codes are clipped to; None leaves them free.
    partition: which jobs share a batch, as `partition_jobs` gives it (with `batch_size`, where None).  A result's bytes
        repeat for the same jobs, partition, number of threads and device; so a resumed run gives the recorded
        partition again and, in `first_batch`, the first batch that is not done.
    start_codes: (jobs, *code_shape), in place of the random codes that the jobs' seeds draw.
    progress: show a bar that counts steps.
    on_step: called at each step of each batch, before the update.
    """
    if partition is None:
        partition = partition_jobs(jobs, batch_size)
    _check_partition(partition, jobs)
    if start_codes is not None and start_codes.shape != (len(jobs), *prior.code_shape):
        raise CaffeError(f"start_codes have shape {start_codes.shape}; {(len(jobs), *prior.code_shape)} is needed")
    place = torch.device(device)
    target.to(place)
    prior.to(place)
    bounds = None if clip is None else clip.shaped(prior.code_shape)
    batches = [_Batch(target, prior, jobs, k, partition[k], bounds, place) for k in range(first_batch, len(partition))]
    return _run(batches, start_codes, progress, on_step)


def partition_jobs(jobs: Sequence[Job], batch_size: int = 100) -> Partition:
    """The jobs' indices in batches of at most `batch_size`; the objectives of a batch read the same layers."""
    if batch_size < 1:
        raise CaffeError(f"batch_size {batch_size} must be at least 1")
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
        raise CaffeError(f"the partition into batches doesn't hold each of the {len(jobs)} jobs once")
    for indices in partition:
        layers = sorted({jobs[index].objective.layers for index in indices})
        if len(layers) != 1:
            raise CaffeError(f"a batch takes jobs of the same layers, and one of the partition has {layers}")


def _run(
    batches: Sequence[_Batch], start_codes: np.ndarray | None, progress: bool, on_step: OnStep | None
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


class _Look:
    """The objectives of a batch's jobs: from images to a number for each."""

    def __init__(self, target: Target, objectives: Sequence[Objective], device: torch.device):
        self.target, self.layers = target, objectives[0].layers
        shapes = {layer: target.layer_shape(layer) for layer in self.layers}
        units: dict[str, list[tuple[int, int, float]]] = {}
        self._others: dict[Term, tuple[list[int], list[float]]] = {}
        for row, objective in enumerate(objectives):
            for weight, term in objective.terms:
                term.check(shapes[term.layer])
                if isinstance(term, Unit):
                    units.setdefault(term.layer, []).append((row, term.offset(shapes[term.layer]), weight))
                else:
                    rows, weights = self._others.setdefault(term, ([], []))
                    rows.append(row)
                    weights.append(weight)
        self._units = {
            layer: tuple(torch.tensor(column, device=device) for column in zip(*found, strict=True))
            for layer, found in units.items()
        }

    def __call__(self, images: Tensor) -> Tensor:
        """(N,), for images (N, 3, *size)."""
        values = self.target(images, self.layers)
        total = images.new_zeros(len(images))
        for layer, (rows, offsets, weights) in self._units.items():
            total = total.index_add(0, rows, values[layer].flatten(1)[rows, offsets] * weights)
        for term, (places, own) in self._others.items():
            index = torch.tensor(places, device=images.device)
            measured = term.measure(values[term.layer][index])
            total = total.index_add(0, index, measured * torch.tensor(own).to(measured))
        return total


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
        self.look = _Look(target, [job.objective for job in self.jobs], device)
        self.view = view(prior.image_size, target.size)
        self.n_iters = torch.tensor([job.settings.n_iters for job in self.jobs], device=device)
        self.n_steps = int(self.n_iters.max())
        self.bounds = None if bounds is None else [torch.as_tensor(b).to(device) for b in (bounds.lower, bounds.upper)]
        self.rules = self._rules()

    def run(self, start_codes: np.ndarray | None, on_step: OnStep | None, bar: tqdm[NoReturn]) -> Result:
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
            images = torch.where(_rows(active, images), update.images, images)
            codes = torch.where(_rows(active, codes), update.codes, codes)
            trace[:, step] = torch.where(active, update.activations, torch.nan)
            steps += active
            active = active & ~update.stops & (step + 1 < self.n_iters)
            bar.update()
            if not active.any():
                bar.update(self.n_steps - step - 1)
                break
        return Result(self.indices, *(_numpy(t) for t in (images, codes, trace, steps)))

    def _advance(self, codes: Tensor, step: int) -> _Update:
        """One step of the published loop for each row."""
        codes = codes.detach().requires_grad_()
        images = self.view(self.prior(codes))
        seen = images.detach().requires_grad_()
        activations = self.look(seen)
        (image_gradient,) = torch.autograd.grad(activations.sum(), seen)
        step_sizes = self._step_sizes(step)
        before = seen.detach()
        moved = _climb(before, image_gradient, step_sizes)
        (code_gradient,) = torch.autograd.grad(images, codes, moved - before)
        stops = (_square_sum(image_gradient) == 0) | (_square_sum(code_gradient) == 0)
        codes = codes.detach()
        self._regularise(codes, code_gradient, step_sizes / _mean_size(image_gradient))
        new = self._limit(_climb(codes, code_gradient, step_sizes, but=stops))
        return _Update(before, activations.detach(), new, stops)

    def _regularise(self, codes: Tensor, gradient: Tensor, scales: Tensor) -> None:
        """Add what the rules pull at the codes to the gradient, scaled as the normalised image has scaled it."""
        for rule, rows in self.rules:
            pull = rule.gradient(codes[rows])
            if pull is not None:
                gradient[rows] += pull * _rows(scales[rows], pull)

    def _limit(self, codes: Tensor) -> Tensor:
        """The codes after the clip and then the rules' shrinking."""
        if self.bounds is not None:
            codes = torch.minimum(torch.maximum(codes, self.bounds[0]), self.bounds[1])
        for rule, rows in self.rules:
            codes[rows] = rule.shrink(codes[rows])
        return codes

    def _rules(self) -> list[tuple[Regularisation, Tensor | slice]]:
        """Each regularisation with the rows that it holds for."""
        rows: dict[Regularisation, list[int]] = {}
        for row, job in enumerate(self.jobs):
            rows.setdefault(job.settings.regularisation, []).append(row)
        if len(rows) == 1:
            return [(rule, slice(None)) for rule in rows]
        return [(rule, torch.tensor(own, device=self.device)) for rule, own in rows.items()]

    def _step_sizes(self, step: int) -> Tensor:
        """(N,) float32; of a job that is done, which no longer moves, any number."""
        return torch.tensor([job.settings.step_size(step) for job in self.jobs], device=self.device)

    def _start(self, start_codes: np.ndarray | None) -> Tensor:
        if start_codes is None:
            codes = np.concatenate([random_code(job.seed, (1, *self.prior.code_shape)) for job in self.jobs])
        else:
            codes = start_codes[list(self.indices)].astype(np.float32)
        return torch.from_numpy(codes).to(self.device)


def _climb(values: Tensor, gradient: Tensor, step_sizes: Tensor, but: Tensor | None = None) -> Tensor:
    """Each row of `values` + step size / mean |gradient| * gradient.

    Rows stay where the gradient is zero or NaN, and those that `but` marks.
    """
    moves = _square_sum(gradient) > 0
    if but is not None:
        moves = moves & ~but
    scales = step_sizes / _mean_size(gradient)
    return torch.where(_rows(moves, values), values + _rows(scales, values) * gradient, values)


def _square_sum(gradient: Tensor) -> Tensor:
    """(N,): 0 for a zero gradient, and for one so small that its squares vanish in float32; NaN where it has a NaN."""
    return (gradient * gradient).flatten(1).sum(1)


def _mean_size(gradient: Tensor) -> Tensor:
    """(N,): the mean of |gradient|."""
    return gradient.abs().flatten(1).mean(1)


def _rows(of_rows: Tensor, like: Tensor) -> Tensor:
    """A number for each row, shaped so that it broadcasts over `like`."""
    return of_rows.reshape(-1, *[1] * (like.dim() - 1))


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.contiguous().cpu().numpy()
