"""`dgnam.visualize`: from a target and a unit to pictures, in one call."""

from __future__ import annotations

import dataclasses
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ..am import CLIPS, Bounds, Classes, Objective, Prior, Result, Settings, Start, Target, gather, parse_objectives
from ..am.evolve import Method
from ..am.images import picture
from ..caffe.mode import usable_device
from ..caffe.modules.caffe_module import CaffeModule
from ..errors import DgnamError
from ..files.paths import StrPath
from ..runs.interrupt import Interrupted
from .argument_kinds import check_kinds
from .black_box import Search, evolved
from .execute import Extras, run_in_memory, run_into
from .folder import Folder
from .models import PriorInfo, TargetFiles, TargetInfo, joined, open_prior, open_target
from .plan import Plan, check_count, make_plan
from .report import write_report
from .request import choose_clip, settings_by_name, usual_settings
from .result import Visualization
from .starts import open_start

GRADIENT, OWN = "gradient", "own"

Objectives = str | Objective | Sequence[str | Objective]


def visualize(
    target: str | PathLike[str] | Target | CaffeModule | Mapping[str, Any] | Callable[[np.ndarray], Any],
    objective: Objectives | None = None,
    *,
    prior: str | PathLike[str] | Prior | None = None,
    seeds: int | Sequence[int] = 1,
    settings: str | Settings | Sequence[str | Settings] | None = None,
    clip: str | Bounds | None = OWN,
    start: str | Start | None = None,
    weights: StrPath | None = None,
    labels: StrPath | Sequence[str] | None = None,
    mean: str | None = None,
    scale: float = 1.0,
    channels: str = "BGR",
    prior_weights: StrPath | None = None,
    method: str | Method = GRADIENT,
    generations: int = 100,
    folder: StrPath | None = None,
    resume: bool = False,
    movies: Sequence[str] = (),
    batch_size: int = 100,
    device: str = "cpu",
    progress: bool = True,
) -> Visualization:
    """Synthesize the images that units prefer.

        dgnam.visualize("caffenet-mini", "fc8:lemon", seeds=4)                         # a model of `dgnam models list`
        dgnam.visualize("deploy.prototxt", "conv5:55@6,6", weights="net.caffemodel")   # a Caffe net of your own
        dgnam.visualize(TorchTarget(module, size=(224, 224)), "fc:3")                  # a torch module
        dgnam.visualize(neuron, generations=200, method="cma")                         # any callable, no gradient

    target: a model's name; the path of a deploy prototxt; a Target or CaffeModule; a dict of several by name, whose
        layers are then `name.layer`; or a callable from pictures (n, H, W, 3) uint8 RGB to n numbers, which takes no
        objective.
    objective: one or more, each as text (see `dgnam.am.objectives.parser`) or as a value.
    prior: a generator's name, its prototxt's path, a Prior, or a pixel prior's name (`dgnam.am.PIXEL_RECIPES`); None
        takes our small fc6 generator, or the published one where the target takes 112 pixels or more.
    seeds: how many images each objective gets, from seeds 0, 1, …; or the seeds.
    settings: one or more, each as a value or a name of --settings, as "paper"; None for those published for the target
        with a first step that suits our small generators (see `cast.suited_steps`), or a pixel prior's own.
    clip: Bounds; "act_range", "unit" or "none"; None is "none", and "own" the prior's own.
    start: a Start, or its text (see `start_text`); None for random codes.
    weights, labels, mean, scale, channels: of a prototxt; see `cast.TargetFiles`.  Labels may be a list of names, for
        other targets too.
    method: "gradient"; or "cma", "genetic", "xdream" or a Method of `dgnam.am.evolve`, for `generations`.
    folder: a new folder that the run is saved in as it goes; with `resume`, one to go on in, called with the same
        arguments.
    movies: "gif", "mp4" or both: each image's way, saved in the folder.

    Returns the images, objectives in order, each with each of the settings, each with all seeds.
    Raises DgnamError where something is asked for that can't be done, before the first step is taken.
    """
    check_kinds(
        device=device,
        folder=folder,
        batch_size=batch_size,
        generations=generations,
        clip=clip,
        start=start,
        labels=labels,
        method=method,
    )
    place = usable_device(device)
    files = TargetFiles(weights, labels if isinstance(labels, str | PathLike) else None, mean, scale, channels)
    search = Search("cma" if method == GRADIENT else method, generations, folder, resume, place, progress)
    if method != GRADIENT:
        search.chosen()  # a wrong name is an error before anything else
    if (method != GRADIENT or _is_score(target)) and (settings is not None or movies):
        unused = "settings" if settings is not None else "movies"
        raise DgnamError(f"a search without gradients has no use for {unused}: leave it out, or give method='gradient'")
    if _is_score(target):
        if objective is not None or labels is not None or files.given:
            raise DgnamError("a callable gives the scores itself: leave out objective, labels and what belongs to nets")
        chosen = open_prior(prior, None, prior_weights)
        return evolved(search, None, [(None, target)], chosen, _seeds(seeds), _clip(clip, chosen), start)  # type: ignore[list-item]
    info = _with_names(_open(target, files), labels)
    chosen = open_prior(prior, info.target.size, prior_weights)
    objectives = _objectives(objective, info)
    if method != GRADIENT:
        scores = [(one, search.score(info.target, one)) for one in objectives]
        return evolved(search, info, scores, chosen, _seeds(seeds), _clip(clip, chosen), start)
    plan = make_plan(
        info,
        chosen,
        objectives,
        seeds=_seeds(seeds),
        settings=_settings(settings, info, chosen, start),
        clip=_clip(clip, chosen),
        start=open_start(start, chosen),
        device=place,
        batch_size=batch_size,
    )
    return _climbed(plan, folder, resume, Extras(tuple(movies)), progress)


def _climbed(plan: Plan, path: StrPath | None, resume: bool, extras: Extras, progress: bool) -> Visualization:
    """The images of a plan, in memory or in a folder too."""
    extras.check()
    if path is None:
        if resume or extras.movies:
            raise DgnamError(f"{'resume' if resume else 'movies'} needs the folder of a run")
        return _shown(plan, gather(run_in_memory(plan, progress=progress)), None)
    if resume:
        folder = Folder.open(path)
        for warning in folder.check_same(plan.record):
            warnings.warn(warning, stacklevel=3)
    else:
        folder = Folder.create_at(path, plan.record)
    try:
        run_into(folder, plan, extras, progress=progress)
    except Interrupted as stop:
        raise Interrupted(f"{stop}; go on by the same call with resume=True") from None
    write_report(folder, plan)
    return _shown(plan, gather(folder.results()), Path(path))


def _shown(plan: Plan, found: Result, folder: Path | None) -> Visualization:
    return Visualization(
        images=np.stack([picture(image) for image in found.images]),
        raw=found.images,
        codes=found.codes,
        activations=found.last_activations,
        traces=found.activations,
        captions=[plan.caption(job) for job in range(len(plan.jobs))],
        title=f"{plan.target.name}, prior {plan.prior.name}",
        objectives=[job.objective for job in plan.jobs],
        seeds=[job.seed for job in plan.jobs],
        settings=[job.settings for job in plan.jobs],
        folder=folder,
        stems=plan.file_stems(),
    )


def _is_score(target: object) -> bool:
    """Whether this is a callable from pictures to numbers, and no network."""
    return callable(target) and not hasattr(target, "layer_shape") and not isinstance(target, nn.Module)


def _open(target: object, files: TargetFiles) -> TargetInfo:
    """One target, or several by name."""
    if not isinstance(target, Mapping):
        return open_target(target, files)
    if files.given:
        raise DgnamError(f"several targets have no {', '.join(files.given)} in common: open each of them first")
    return joined({name: open_target(one) for name, one in target.items()})


def _with_names(info: TargetInfo, labels: StrPath | Sequence[str] | None) -> TargetInfo:
    """The target with the names of its units, where they are given as a list."""
    if labels is None or isinstance(labels, str | PathLike):
        return info
    return dataclasses.replace(info, classes=[Classes.of_names([str(name) for name in labels])])


def _objectives(given: Objectives | None, info: TargetInfo) -> list[Objective]:
    """All that are asked for; text is read with the target's layers and classes."""
    if given is None:
        raise DgnamError("say what to maximize, as 'fc8:3'; `dgnam layers TARGET` lists a model's layers")
    found: list[Objective] = []
    for one in _several("objective", given, (str, Objective)):
        found += [one] if isinstance(one, Objective) else parse_objectives(one, info.target, info.classes)
    return found


def _seeds(given: int | Sequence[int]) -> list[int]:
    """The seeds, of NumPy's integers too."""
    try:
        if isinstance(given, int | np.integer):
            return _first_seeds(int(given))
        return [operator.index(seed) for seed in given]
    except TypeError:
        raise DgnamError(f"seeds {given!r}: give how many images each objective gets, or a list of seeds") from None


def _first_seeds(count: int) -> list[int]:
    if count < 1:
        raise DgnamError(f"seeds {count}: give how many images each objective gets, or the seeds as a list")
    check_count(count)
    return list(range(count))


def _settings(
    given: str | Settings | Sequence[str | Settings] | None,
    info: TargetInfo,
    prior: PriorInfo,
    start: str | Start | None,
) -> list[Settings]:
    usual = usual_settings(info, prior, start)
    if given is None:
        return [usual]
    every = _several("settings", given, (str, Settings))
    return [one if isinstance(one, Settings) else settings_by_name(one, usual) for one in every]


def _several(what: str, given: Any, kinds: tuple[type, ...]) -> list[Any]:
    """One value as a list of one, or several; what is of none of the kinds is an error."""
    values = [given] if isinstance(given, kinds) or not isinstance(given, Iterable) else list(given)
    for value in values:
        if not isinstance(value, kinds):
            names = " or ".join("text" if kind is str else kind.__name__ for kind in kinds)
            raise DgnamError(f"{what} {value!r}: give {names}, or a list of them")
    return values


def _clip(given: str | Bounds | None, prior: PriorInfo) -> Bounds | None:
    if given is None or isinstance(given, Bounds):
        return given
    if not isinstance(given, str):
        raise DgnamError(f"clip {given!r}: give Bounds(lower, upper), or one of own, {', '.join(CLIPS)}")
    return choose_clip(None if given == OWN else given, prior)
