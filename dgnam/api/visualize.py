"""`dgnam.visualize`: from a target and a unit to pictures, in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..am import Bounds, ClipTarget, Objective, Prior, Result, Settings, Start, Target, gather, parse_objectives
from ..am.argument_types import check_types
from ..am.batch_size import AUTO
from ..am.images import picture
from ..caffe import CaffeModule
from ..caffe.mode import usable_device
from ..caffe.modules.precision import FLOAT32
from ..errors import ArgumentError, DgnamError
from ..files.paths import StrPath
from ..runs import Record, Run, environment
from ..runs.executor import Executor, open_executor
from ..runs.run import LOCAL
from .batches import Batches, results
from .clip import OWN, choose_clip, warn_unclipped
from .clips import check_no_clips, for_clips
from .execute import carry_out, read_result
from .outputs import Outputs
from .plan import Plan, choose_seeds, make_plan
from .priors import ResolvedPrior, default_prior, open_prior
from .result import Arrays, Visualization
from .run_folder import begin
from .settings import choose_settings
from .spec import spec_of
from .starts import open_start
from .targets import Labels, ResolvedTarget, open_target
from .unclimbed import Unclimbed
from .workers import call_of, same_here


def visualize(
    target: str | PathLike[str] | Target | ResolvedTarget | CaffeModule | Mapping[str, Any],
    objective: str | Objective | Sequence[str | Objective] | None = None,
    *,
    prior: str | PathLike[str] | Prior | ResolvedPrior | None = None,
    prior_weights: StrPath | None = None,
    seeds: int | Sequence[int | str] = 1,
    seed: int = 0,
    settings: str | Settings | Sequence[str | Settings] = OWN,
    n_iters: int | Sequence[int] | None = None,
    start_lr: float | Sequence[float] | None = None,
    end_lr: float | None = None,
    l2: float | Sequence[float] | None = None,
    norm_penalty: float | Sequence[float] | None = None,
    smoothness: float | None = None,
    clip: str | PathLike[str] | Bounds = OWN,
    start: str | Start | None = None,
    weights: StrPath | None = None,
    labels: Labels | None = None,
    labels_layer: str | None = None,
    mean: str | None = None,
    scale: float = 1.0,
    channels: str = "BGR",
    movies: Sequence[str] = (),
    every: int = 5,
    fps: float = 10.0,
    published_images: bool = False,
    backend: str | None = None,
    batch_size: int | str = AUTO,
    device: str = "cpu",
    precision: str = FLOAT32,
    folder: StrPath | None = None,
    output: StrPath | None = None,
    name: str | None = None,
    executor: str | Executor = LOCAL,
    resume: bool = False,
    progress: bool = True,
) -> Visualization:
    """Synthesize the preferred images of units by gradient ascent in the code space of a prior.

        dgnam.visualize("caffenet-mini", "fc8:lemon", seeds=4)                         # a model of `dgnam models list`
        dgnam.visualize("deploy.prototxt", "conv5:55@6,6", weights="net.caffemodel")   # a Caffe net of your own
        dgnam.visualize(TorchTarget(module, size=(224, 224)), "fc:3")                  # a torch module
        dgnam.visualize("action-lstm-motion-mini", "fc8:0").clips                      # a net that sees clips

    target, weights, labels, labels_layer, mean, scale, channels: see `open_target`.
    objective: one or more, each as text (see `dgnam.am.objectives.parser`) or as a value.
    prior, prior_weights: see `open_prior`.
    seeds: how many images each objective gets, from `seed` on; or a list of seeds, in which "10-19" stands for ten.
    settings: one or more of "own", "released", "paper", "googlenet" and "from-image", or values.
    n_iters, start_lr, end_lr, l2, norm_penalty: numbers in place of the settings'; with lists each combination is made.
    smoothness: of a target that sees clips, whose frames are optimized together: the weight of the squared distances
        between the codes of neighboring frames; None for no such penalty.
    clip: "own", "act_range", "unit" or "none"; an act_range file; or `Bounds`.
    start: text (see `dgnam.api.starts`) or a Start; None for random codes, or a pixel preset's own.
    movies: "gif", "mp4" or both: each image's way, of `every` so many steps a frame, `fps` frames a second.
    published_images: save JPEGs stretched as the published code did, not PNGs.
    backend: whose nets run the published loop, each image alone on the CPU: "dgnam", BVLC's "caffe", or "auto"; what
        that loop can't do is an ArgumentError.  None takes the same steps for many images at once.
    batch_size: images made together, frames of clips included, and saved when they are done; "auto" chooses by free
        memory and, for large networks, a short measurement.  The log of a run in a folder has the measurement, its
        record the choice, by which it is resumed.
    precision: "float32"; "bfloat16", on CPUs with AVX512-BF16 or AMX and on GPUs, about twice as fast for large
        networks and other pictures; or "tf32", on NVIDIA GPUs.
    folder: a new folder to save the run in as it goes; with `resume`, one to go on in, called with the same arguments.
    output, name: in place of `folder`, where the run gets a new folder `name-1`, `name-2`, …; named by target and
        objective where `name` is None.
    executor: who makes the images: "local", this process; "ray" or "ray:ADDRESS", a Ray cluster's workers, into the
        same folder; or a `RayExecutor`.

    Returns the images, objectives in order, each with each of the settings, each with all seeds.
    Raises DgnamError for an impossible request before the first step is taken.  What could not be climbed is told by a
    NotClimbedWarning, and in the result's `summary`.
    """
    given = dict(locals())
    check_types(visualize, given)
    maker = open_executor(executor)
    begun = Run.open(folder).record if resume and folder is not None else None
    plan, outputs, record = planned(given, begun)
    usual_name = f"{plan.target.name}-{plan.jobs[0].objective}"
    run = begin(record, folder=folder, output=output, name=usual_name if name is None else name, resume=resume)
    if run is None and maker.name != LOCAL:
        raise DgnamError(f"executor '{maker.name}' needs a folder for the run: give folder or output")
    if run is None and movies:
        raise DgnamError("movies need a folder to be saved in")
    if not resume:
        warn_unclipped(clip, plan.clip, plan.prior)
        plan.warn_alike(stacklevel=2)
    if run is None:
        found, unclimbed = gather(results(plan, progress=progress), len(plan.jobs)), Unclimbed(plan)
        unclimbed.add(found)
        unclimbed.warn(stacklevel=2)
        return shown(plan, _kept(found), lines=unclimbed.lines())
    there = partial(batches_of, call_of(given, record), record)
    lines = carry_out(run, plan, outputs, executor=maker, there=there, progress=progress)
    return shown(plan, lambda: read_arrays(run, plan), run.path, lines)


def batches_of(given: Mapping[str, Any], record: Record) -> Batches:
    """In a worker: what makes the batches of the run that `visualize` records for these arguments."""
    plan, outputs, own = planned(given, record)
    same_here(record, own)
    return Batches(plan, outputs)


def planned(given: Mapping[str, Any], begun: Record | None = None) -> tuple[Plan, Outputs, Record]:
    """What `visualize` does with its keyword arguments, all of them; an impossible request is a DgnamError here.

    begun: the record of the run that is done again or goes on, whose batches are taken where they were chosen.
    """
    spec = dict(given)
    place = usable_device(given["device"])
    outputs = Outputs(tuple(given["movies"]), given["every"], given["fps"], given["published_images"])
    files = {name: given[name] for name in ("weights", "labels", "labels_layer", "mean", "scale", "channels")}
    opened = open_target(given["target"], **files, clips=True)
    size = getattr(opened.target, "frame_size", opened.target.size)
    spec["prior"] = default_prior(size) if given["prior"] is None else given["prior"]
    resolved = open_prior(spec["prior"], size, weights=given["prior_weights"])
    numbers = {name: given[name] for name in ("n_iters", "start_lr", "end_lr", "l2", "norm_penalty")}
    chosen: dict[str, Any] = {
        "settings": choose_settings(opened, resolved, given["start"], given["settings"], **numbers),
        "clip": choose_clip(given["clip"], resolved),
        "start": open_start(given["start"], resolved),
    }
    frames = opened.target.frames if isinstance(opened.target, ClipTarget) else 1
    batch_size = _batch_size(given["batch_size"], frames, begun)
    if isinstance(opened.target, ClipTarget):
        outputs.check_clips()
        resolved, chosen = for_clips(resolved, opened.target, smoothness=given["smoothness"], **chosen)
        if given["backend"] is not None:
            raise ArgumentError(
                "a backend's loop makes single images, and the target sees clips: leave the backend out"
            )
    else:
        check_no_clips(given["smoothness"])
    plan = make_plan(
        opened,
        resolved,
        read_objectives(given["objective"], opened),
        seeds=choose_seeds(given["seeds"], given["seed"]),
        **chosen,
        device=place,
        batch_size=batch_size,
        backend=given["backend"],
        precision=given["precision"],
    )
    record = Record("visualize", spec_of(spec), {**plan.inputs(), "outputs": vars(outputs)}, environment())
    return plan, outputs, record


def _batch_size(given: int | str, frames: int, begun: Record | None) -> int | None:
    """Jobs in a batch: those asked for, or else those of the run that has begun; None where they are to be chosen."""
    if isinstance(given, int | np.integer):
        return max(min(1, int(given)), int(given) // frames)
    if given != AUTO:
        raise ArgumentError(f"batch_size {given!r}: give a whole number, or '{AUTO}'")
    known = None if begun is None else begun.inputs.get("batch_size")
    return known if type(known) is int and known > 0 else None


def read_objectives(given: object, target: ResolvedTarget) -> list[Objective]:
    """All that are asked for; text is read with the target's layers and classes."""
    if given is None:
        raise DgnamError("say what to maximize, as 'fc8:3'; `dgnam layers TARGET` lists a model's layers")
    several = not isinstance(given, str | Objective) and isinstance(given, Iterable)
    found: list[Objective] = []
    for one in given if several else [given]:  # type: ignore[attr-defined]
        if isinstance(one, Objective):
            found.append(one)
        elif isinstance(one, str):
            found += parse_objectives(one, target.target, target.classes)
        else:
            raise DgnamError(f"objective {one!r}: give text as 'fc8:3', or an Objective, or a list of them")
    return found


def shown(
    plan: Plan,
    load: Callable[[], Arrays],
    folder: Path | None = None,
    lines: Sequence[str] = (),
    jobs: range | None = None,
) -> Visualization:
    """A plan's results, or those of some of its jobs, as `visualize` gives them."""
    jobs = range(len(plan.jobs)) if jobs is None else jobs
    return Visualization(
        load,
        captions=_Each(plan.caption, jobs),
        title=plan.title,
        objectives=_Each(lambda job: plan.jobs[job].objective, jobs),
        seeds=_Each(lambda job: plan.jobs[job].seed, jobs),
        settings=_Each(lambda job: plan.jobs[job].settings, jobs),
        size=plan.target.target.size,
        folder=folder,
        stems=_Each(plan.stem, jobs),
        summary=lines,
        frames=plan.frames,
        sweep=plan.sweep if len(jobs) == len(plan.jobs) else None,
    )


def read_arrays(run: Run, plan: Plan) -> Arrays:
    """The arrays of a finished run, from its folder."""
    parts = (read_result(run, plan.chunk(k), batch) for k, batch in enumerate(plan.batches))
    return arrays_of(gather(parts, len(plan.jobs)))


def _kept(result: Result) -> Callable[[], Arrays]:
    return lambda: arrays_of(result)


def arrays_of(result: Result) -> Arrays:
    """The arrays of a result that is in memory."""
    return Arrays(
        images=np.stack([picture(image) for image in result.images]),
        raw=result.images,
        codes=result.codes,
        activations=result.last_activations,
        traces=result.activations,
    )


class _Each(Sequence[Any]):
    """What a function gives for each job, asked for when it is needed."""

    def __init__(self, of: Callable[[int], Any], jobs: range):
        self._of, self._jobs = of, jobs

    def __len__(self) -> int:
        return len(self._jobs)

    def __getitem__(self, place: Any) -> Any:
        found = self._jobs[place]
        return [self._of(job) for job in found] if isinstance(found, range) else self._of(found)
