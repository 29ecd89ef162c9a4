"""The published loop for many jobs at once: a job is an objective, a seed and settings.

    target = CaffeTarget(CaffeModule(read_net("caffenet.prototxt"), weights))
    prior = GeneratorPrior(CaffeModule(read_net("generator.prototxt"), weights))
    jobs = Jobs([Unit("fc8", i) for i in range(1000)], [released()], seeds=range(2))
    for result in synthesize(target, prior, jobs, clip=act_range_bounds(upper)):
        result.images  # (100, 3, 227, 227), of the jobs result.indices

Each job takes the steps of published/loop.py.  The jobs of a batch share every forward and backward pass, one each
through prior and target, since the sum of their objectives is maximized.  On a CPU a job comes to the same bytes in any
batch, see batch_invariance.py; elsewhere batches of different sizes differ by float noise, which the steps amplify.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..caffe.modules.precision import BFLOAT16, FLOAT32, check_precision
from ..errors import DgnamError, shortened
from ..runs.progress import progress_bar
from .batch_invariance import batch_invariant
from .borrow import borrowed, modules_of
from .framing import frame_for
from .jobs import Batches, Job, Result, Stop, check_batches, places_of_change, split_batches
from .objectives import Objective, Readout
from .precision import ROUNDING, Lowered, check_networks, matrix_products
from .priors import Prior
from .regularizers import Bounds, Regularizer, StepContext
from .starts import RandomStart, Start
from .steps import NormalizedStep, UpdateRule
from .steps.update_rule import mean_magnitudes, per_row, squared_norms
from .targets import Target
from .with_gradient import with_gradient

LOOK_EVERY = 10
"""On a GPU so many steps are queued before it is asked whether any job goes on, which waits for all of them."""

SIZES = 100
"""The step sizes of so many steps come to the device at once."""

Rows = Tensor | slice
Kind = TypeVar("Kind", bound=Hashable)


@dataclass(frozen=True, eq=False)
class Step:
    """A step of a batch, for an observer; tensors on the run's device, valid during the call.

    step: its number in the batch, from 0.
    indices: the jobs; `active` (N,) is False for those already stopped.
    codes, images: codes before the step's update, and their images, of the target's size.
    activations: (N,), of these images.
    """

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
    batches: Batches | None = None,
    start_codes: np.ndarray | Start | None = None,
    device: str | torch.device = "cpu",
    precision: str = FLOAT32,
    progress: bool = True,
    on_step: OnStep | None = None,
) -> Iterator[Result]:
    """Optimize a code for each job, and yield a `Result` for each batch as it finishes.

    clip: bounds of the codes; None for no clip.
    batches: ranges of jobs, those still to do of a resumed run; None for `split_batches(jobs, batch_size)`.  The bytes
        of a result repeat for the same batch, number of threads and device; on a CPU in any batch.
    start_codes: (jobs, *code_shape), or a start, asked for the codes of each batch; None for RandomStart().
    precision: that networks compute in, see precision.py.
    progress: show a bar of steps.
    on_step: called at each step of each batch, before the update.

    Raises DgnamError before the first step for arguments that do not fit each other.
    """
    chosen = split_batches(jobs, batch_size) if batches is None else batches
    check_batches(jobs, chosen)
    total = sum(_check_jobs(target, jobs, batch) for batch in chosen)
    if isinstance(start_codes, np.ndarray) and start_codes.shape != (len(jobs), *prior.code_shape):
        raise DgnamError(f"start_codes have shape {start_codes.shape}; {(len(jobs), *prior.code_shape)} is needed")
    place = _ready(target, prior, device, precision)
    bounds = None if clip is None else clip.shaped(prior.code_shape)

    def run() -> Iterator[Result]:
        with progress_bar(show=progress, total=total, unit="step", desc="synthesizing") as bar:
            for indices in chosen:
                with _repeatable(place, precision):
                    what = target, prior, jobs, indices, bounds, place, precision
                    result = _Batch(*what).run(start_codes, on_step, bar)
                yield result

    return run()


def try_step(
    target: Target,
    prior: Prior,
    jobs: Sequence[Job],
    *,
    clip: Bounds | None,
    start_codes: Start | None = None,
    device: str | torch.device = "cpu",
    precision: str = FLOAT32,
    count: int = 1,
) -> None:
    """Take a step of the first `count` jobs and forget it: raises the DgnamError that it meets, such as no gradient."""
    place = _ready(target, prior, device, precision)
    bounds = None if clip is None else clip.shaped(prior.code_shape)
    with _repeatable(place, precision):
        _Batch(target, prior, jobs, range(count), bounds, place, precision).try_step(start_codes)


def _ready(target: Target, prior: Prior, device: str | torch.device, precision: str) -> torch.device:
    """The device, with both networks on it; DgnamError where they can't compute in that precision."""
    place = torch.device(device)
    check_precision(precision, place)
    check_networks(precision, target)
    with torch.inference_mode(False):
        target.to(place)
        prior.to(place)
    return place


def _check_jobs(target: Target, jobs: Sequence[Job], batch: range) -> int:
    """Check that the batch's objectives read the same layers, and suit the target; returns the most steps of a job."""
    shapes = {layer: target.layer_shape(layer) for layer in jobs[batch.start].objective.layers}
    steps, checked = 0, None
    for place in places_of_change(jobs, batch):
        job = jobs[place]
        if job.objective is not checked:
            checked = job.objective
            _check_objective(checked, shapes)
        steps = max(steps, job.settings.n_iters)
    return steps


def _check_objective(objective: Objective, shapes: dict[str, tuple[int, ...]]) -> None:
    if set(objective.layers) != shapes.keys():
        raise DgnamError(
            f"a batch reads one set of layers, {sorted(shapes)}, and {objective} {sorted(objective.layers)}"
        )
    for _, term in objective.terms:
        term.check(shapes[term.layer])


@contextlib.contextmanager
def _repeatable(device: torch.device, precision: str) -> Iterator[None]:
    """Deterministic algorithms in this precision, with gradients; torch warns where a GPU has none."""
    before = torch.get_deterministic_debug_mode()
    memory: Any = torch.utils.deterministic
    filled = memory.fill_uninitialized_memory
    # Not `use_deterministic_algorithms`, which imports torch's compiler for a flag of its own: a second of a short run.
    torch.set_deterministic_debug_mode("error" if device.type == "cpu" else "warn")
    memory.fill_uninitialized_memory = False  # which takes 4 % of a step, and nothing reads it
    try:
        with torch.inference_mode(False), torch.enable_grad(), matrix_products(precision):
            yield
    finally:
        memory.fill_uninitialized_memory = filled
        torch.set_deterministic_debug_mode(before)


@dataclass(frozen=True, eq=False)
class _Update:
    """One step of each row: image and activation of the old code, the new code, and a `Stop`."""

    images: Tensor
    activations: Tensor
    codes: Tensor
    stops: Tensor


class _Batch:
    """Jobs that take their steps together, with all that is constant over the steps."""

    def __init__(
        self,
        target: Target,
        prior: Prior,
        jobs: Sequence[Job],
        indices: range,
        bounds: Bounds | None,
        device: torch.device,
        precision: str,
    ):
        self.target, self.prior, self.indices, self.device = target, prior, tuple(indices), device
        self.jobs = [jobs[index] for index in indices]
        self.lowered, self.invariant = Lowered(precision, target, prior), batch_invariant(len(indices), device)
        self.readout = Readout(target, [job.objective for job in self.jobs], device)
        self.size, self.framing = target.size, frame_for(prior.image_size, target)
        self.n_iters = torch.tensor([job.settings.n_iters for job in self.jobs], device=device)
        self.n_steps = int(self.n_iters.max())
        own = self._rows_by(lambda job: job.settings.regularizer)
        self.regularizers: list[tuple[Regularizer, Rows]] = [] if bounds is None else [(bounds, slice(None))]
        self.regularizers += own
        self.update_rules: list[tuple[UpdateRule, Rows, dict[str, Tensor]]] = [
            (rule, rows, {}) for rule, rows in self._rows_by(lambda job: job.settings.update_rule)
        ]
        self.normalizes = [job.settings.update_rule.normalizes_image_gradient for job in self.jobs]
        self.transforms = any(job.settings.transform is not None for job in self.jobs)
        self.magnitudes = torch.zeros(len(self.jobs), dtype=torch.float32, device=device)
        self.look_every = 1 if device.type == "cpu" else LOOK_EVERY
        self._sizes = (range(0), torch.zeros(0))

    def run(self, start_codes: np.ndarray | Start | None, on_step: OnStep | None, bar: Any) -> Result:
        """Take all steps.  A job that is done or has stopped keeps its code and image."""
        codes = self._start(start_codes)
        active = torch.ones(len(codes), dtype=torch.bool, device=self.device)
        steps = torch.zeros(len(codes), dtype=torch.int64, device=self.device)
        stopped = torch.zeros(len(codes), dtype=torch.int8, device=self.device)
        images = torch.zeros(len(codes), 3, *self.size, dtype=torch.float32, device=self.device)
        shown = codes
        trace = torch.full((len(codes), self.n_steps), torch.nan, dtype=torch.float32, device=self.device)
        for step in range(self.n_steps):
            update = self._advance(codes, step)
            if on_step is not None:
                on_step(Step(step, self.indices, active, codes, update.images, update.activations))
            images = torch.where(per_row(active, images), update.images, images)
            shown = torch.where(per_row(active, codes), codes, shown)
            codes = torch.where(per_row(active, codes), update.codes, codes)
            trace[:, step] = torch.where(active, update.activations, torch.nan)
            stopped = torch.where(active, update.stops, stopped)
            steps += active
            active = active & (update.stops == Stop.NONE) & (step + 1 < self.n_iters)
            bar.update()
            if step % self.look_every == self.look_every - 1 and not active.any():
                bar.update(self.n_steps - step - 1)
                break
        if self.lowered.precision == BFLOAT16:
            images = self._rendered(shown)
        stopped = torch.where(self._flat(trace) & (stopped == Stop.NONE), int(Stop.FLAT), stopped).to(torch.int8)
        return Result(self.indices, *(_numpy(t) for t in (images, codes, trace, steps, stopped)))

    def _rendered(self, codes: Tensor) -> Tensor:
        """The images of codes in float32, as a judge or anyone else who renders the codes finds them."""
        with torch.no_grad(), borrowed(self.prior), self.invariant:
            images: Tensor = self.framing(self.prior(codes))
        return images

    def try_step(self, start_codes: np.ndarray | Start | None) -> None:
        """Take a step and forget it, to raise the errors that it meets; each layer read must have a gradient."""
        codes = self._start(start_codes)
        self._advance(codes, 0)
        if len(self.readout.layers) > 1:
            with borrowed(self.target, self.prior), self.lowered.weights():
                seen = self.framing(self.prior(codes)).detach().requires_grad_()
                for layer, found in self.readout.values(seen).items():
                    of = found.sum() if found.requires_grad else found
                    _gradient(of, seen, None, (f"layer '{layer}' of the target", self.target, "images"), keep=True)

    def _advance(self, codes: Tensor, step: int) -> _Update:
        """One step of each row, with the networks borrowed until its gradients are there."""
        with (
            borrowed(self.target, self.prior),
            self.lowered.weights(),
            self.invariant,
        ):
            return self._step(codes, step)

    def _step(self, codes: Tensor, step: int) -> _Update:
        """One step of each row: the published loop's, or its variation by the settings."""
        codes = codes.detach().requires_grad_()
        outer = self.prior(codes)
        if not outer.requires_grad:
            raise _no_gradient("the prior", self.prior, "codes")
        images = self.framing(outer)
        shown = self.framing(self._transformed(outer, step)) if self.transforms else images
        seen = shown.detach().requires_grad_()
        values = self.readout.values(seen)
        activations = self.readout.total(values)
        if step == 0:
            self.magnitudes = self.readout.magnitude({layer: found.detach() for layer, found in values.items()})
        image_gradient = _gradient(activations.sum(), seen, None, ("the target", self.target, "images"))
        step_sizes = self._step_sizes(step)
        change, scales = self._change(seen.detach(), image_gradient, step_sizes)
        code_gradient = _gradient(shown, codes, change, ("the prior", self.prior, "codes"))
        stops = _stops(activations.detach(), squared_norms(image_gradient), squared_norms(code_gradient))
        codes = codes.detach()
        context = StepContext(step, code_gradient.clone())
        self._regularize(codes, code_gradient, scales, context)
        new = self._project(self._ascend(codes, code_gradient, step_sizes, stops), context)
        return _Update(images.detach(), activations.detach(), new, stops)

    def _flat(self, trace: Tensor) -> Tensor:
        """(N,), whether a row's activation changed by no more than rounding, from activations (N, steps)."""
        known = trace.isfinite()
        highest = torch.where(known, trace, -torch.inf).amax(1)
        lowest = torch.where(known, trace, torch.inf).amin(1)
        return (known.sum(1) > 1) & (highest - lowest <= ROUNDING[self.lowered.precision] * self.magnitudes)

    def _transformed(self, images: Tensor, step: int) -> Tensor:
        """The prior's images after the jobs' transforms for this step."""
        rows = zip(images, self.jobs, strict=True)
        transforms = ((image, job.settings.transform, job.seed) for image, job in rows)
        return torch.stack([image if to is None else to(image, seed, step) for image, to, seed in transforms])

    def _change(self, images: Tensor, gradient: Tensor, step_sizes: Tensor) -> tuple[Tensor, Tensor]:
        """The tensor to back-propagate through the prior, and by how much it scales the objective's gradient, (N,)."""
        change, scales = _climb(images, gradient, step_sizes) - images, step_sizes / mean_magnitudes(gradient)
        if not all(self.normalizes):
            normalized = torch.tensor(self.normalizes, device=self.device)
            sound = torch.where(per_row(squared_norms(gradient) > 0, gradient), gradient, 0)
            change = torch.where(per_row(normalized, change), change, sound)
            scales = torch.where(normalized, scales, 1)
        return change, scales

    def _regularize(self, codes: Tensor, gradient: Tensor, scales: Tensor, context: StepContext) -> None:
        """Add the penalties to the gradient in place, scaled as the objective's is, and mask it."""
        for regularizer, rows in self.regularizers:
            penalty = regularizer.penalty_gradient(codes[rows])
            if penalty is not None:
                gradient[rows] += penalty * per_row(scales[rows], penalty)
            before = gradient[rows]
            masked = regularizer.mask(before, _of_rows(context, rows))
            if masked is not before:
                gradient[rows] = masked

    def _ascend(self, codes: Tensor, gradient: Tensor, step_sizes: Tensor, stops: Tensor) -> Tensor:
        """The codes after each row's update; rows that stop, or whose gradient is zero or NaN, do not move."""
        moves = (squared_norms(gradient) > 0) & (stops == Stop.NONE)
        new = codes.clone()
        for rule, rows, state in self.update_rules:
            new[rows] = codes[rows] + rule.step(gradient[rows], step_sizes[rows], state)
        return torch.where(per_row(moves, codes), new, codes)

    def _project(self, codes: Tensor, context: StepContext) -> Tensor:
        """The codes after the clip and then the other regularizers."""
        for regularizer, rows in self.regularizers:
            before = codes[rows]
            projected = regularizer.project(before, _of_rows(context, rows))
            if projected is not before:
                codes[rows] = projected
        return codes

    def _rows_by(self, kind: Callable[[Job], Kind]) -> list[tuple[Kind, Rows]]:
        """Each kind of job with its rows."""
        rows: dict[Kind, list[int]] = {}
        for row, job in enumerate(self.jobs):
            rows.setdefault(kind(job), []).append(row)
        if len(rows) == 1:
            return [(one, slice(None)) for one in rows]
        return [(one, torch.tensor(own, device=self.device)) for one, own in rows.items()]

    def _step_sizes(self, step: int) -> Tensor:
        """(N,) float32; arbitrary for a job that is done."""
        if step not in self._sizes[0]:
            steps = range(step, min(step + SIZES, self.n_steps))
            kinds = {id(job.settings): job.settings for job in self.jobs}
            sizes = {kind: [settings.step_size(one) for one in steps] for kind, settings in kinds.items()}
            columns = [sizes[id(job.settings)] for job in self.jobs]
            self._sizes = steps, torch.tensor(columns, dtype=torch.float32, device=self.device).T.contiguous()
        return self._sizes[1][step - self._sizes[0].start]

    def _start(self, start_codes: np.ndarray | Start | None) -> Tensor:
        if isinstance(start_codes, np.ndarray):
            codes = start_codes[self.indices[0] : self.indices[-1] + 1]
        else:
            start = RandomStart() if start_codes is None else start_codes
            codes = start.codes([job.seed for job in self.jobs], self.prior.code_shape)
        return torch.from_numpy(codes.astype(np.float32)).to(self.device)


def _gradient(
    of: Tensor, by: Tensor, change: Tensor | None, what: tuple[str, object, str], keep: bool = False
) -> Tensor:
    """The gradient of a part's output by its input; DgnamError where none gets there."""
    if not of.requires_grad:
        raise _no_gradient(*what)
    try:
        root = of if change is None else with_gradient(of, change)
        (found,) = torch.autograd.grad(root, by, retain_graph=keep, allow_unused=True)
    except Exception as error:  # a module's own backward may raise anything
        raise DgnamError(f"{_no_gradient(*what)} ({shortened(str(error), 300)})") from error
    if found is None:
        raise _no_gradient(*what)
    return found


def _no_gradient(part: str, of: object, by: str) -> DgnamError:
    """The error for a target or a prior that no gradient gets through."""
    modules = [type(module).__name__ for module in modules_of(of)]
    named = f"{type(of).__name__} of {', '.join(modules)}" if modules else type(of).__name__
    return DgnamError(
        f"{part} ({named}) has no gradient by its {by}: is something rounded, detached, quantized, under no_grad "
        "or inference_mode, or done in NumPy inside?  Evolution needs no gradient of a target: dgnam.evolve"
    )


def _climb(values: Tensor, gradient: Tensor, step_sizes: Tensor) -> Tensor:
    """Each row of `values` after the published step; rows with a gradient of zero or NaN do not move."""
    moves = squared_norms(gradient) > 0
    return torch.where(per_row(moves, values), values + NormalizedStep().step(gradient, step_sizes, {}), values)


def _stops(activations: Tensor, image_norms: Tensor, code_norms: Tensor) -> Tensor:
    """(N,) int8: a `Stop` for each row.  (A NaN in the image's gradient makes the code's zero.)"""
    zero = (image_norms == 0) | (code_norms == 0)
    finite = activations.isfinite() & ~image_norms.isnan()
    kinds = torch.where(finite, int(Stop.ZERO_GRADIENT), int(Stop.NOT_FINITE))
    return torch.where(zero, kinds, int(Stop.NONE)).to(torch.int8)


def _of_rows(context: StepContext, rows: Rows) -> StepContext:
    return StepContext(context.step, context.gradient[rows])


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.contiguous().cpu().numpy()
