"""`dgnam.evolve`: the same priors without gradients, for a unit as a black box, a callable, or a neuron elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..am import Bounds, Objective, Prior, Start, Target
from ..am.argument_types import check_types
from ..am.evolve import CmaEs, Genetic, Method, PictureScore, Search, UnitScore, drive
from ..am.evolve.drive import check_generations
from ..am.evolve.remeasure import check_repeats, discard_earlier
from ..am.evolve.remeasure import remeasure as measure_again
from ..am.evolve.search import MOST_TOP, generation_names
from ..am.framing import choose_framing, frame_for
from ..am.images import picture
from ..caffe import CaffeModule
from ..caffe.mode import usable_device
from ..data.preprocessing import preprocess
from ..errors import DgnamError, closest
from ..files.import_string import guarded, import_from_string
from ..files.paths import StrPath
from ..runs import Record, Run, environment
from .clip import OWN, choose_clip, warn_unclipped
from .evolution import Evolution, SearchEnd
from .evolve_report import RESULT, EvolveOutputs, write_movies, write_report
from .plan import bounds_record, check_asked, choose_seeds, objective_record
from .priors import ResolvedPrior, default_prior, open_prior
from .result import Arrays
from .run_folder import at_work, begin
from .spec import spec_of
from .starts import open_start
from .targets import Labels, ResolvedTarget, open_target
from .visualize import read_objectives

METHODS: dict[str, Callable[[], Method]] = {"cma": CmaEs, "genetic": Genetic, "xdream": Genetic.xdream}
"""By name: CMA-ES, a genetic algorithm with our mutations, and one with XDream's."""

MOST_SEARCHES = 10_000
"""The most searches of one run."""


def evolve(
    target: str
    | PathLike[str]
    | Target
    | ResolvedTarget
    | CaffeModule
    | Mapping[str, Any]
    | PictureScore
    | None = None,
    objective: str | Objective | Sequence[str | Objective] | None = None,
    *,
    score: str | PictureScore | None = None,
    prior: str | PathLike[str] | Prior | ResolvedPrior | None = None,
    prior_weights: StrPath | None = None,
    method: str | Method = "cma",
    population: int | None = None,
    generations: int = 100,
    remeasure: int = 5,
    repeats: int | None = None,
    seeds: int | Sequence[int | str] = 1,
    seed: int = 0,
    clip: str | PathLike[str] | Bounds = OWN,
    start: str | Start | None = None,
    weights: StrPath | None = None,
    labels: Labels | None = None,
    labels_layer: str | None = None,
    mean: str | None = None,
    scale: float = 1.0,
    channels: str = "BGR",
    movies: Sequence[str] = (),
    every: int = 1,
    fps: float = 10.0,
    batch_size: int = 100,
    device: str = "cpu",
    folder: StrPath | None = None,
    output: StrPath | None = None,
    name: str | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Evolution:
    """Evolve the images that maximize a score: of a unit as a black box, or of any callable.

        dgnam.evolve(neuron, generations=200)                      # pictures (n, H, W, 3) uint8 RGB -> n numbers
        dgnam.evolve("caffenet-mini", "fc8:lemon", method="genetic")

    target, objective, weights, labels, labels_layer, mean, scale, channels: as `visualize` takes them; or a callable in
        their place.
    score: the callable, or its import string `package.module:name`; in place of target and objective.
    method: "cma", "genetic", "xdream", or a Method of `dgnam.am.evolve`.
    population: images in a generation; the method's own number where None.
    generations: how many in all, those before a resume included, of which there may not be more.
    remeasure: how many of the best codes are scored again at the end, with the mean code, since the highest of many
        noisy scores is a lucky one; 0 leaves it out.
    repeats: how often each of them is; None for 10, or 2 where the score is free of noise.
    movies: "gif", "mp4" or both: each search's mean code, of `every` so many generations a frame.
    Everything else is as in `visualize`: one search for each objective and seed, saved after each generation.

    Returns the best image of each search, and its mean code's; `traces` are the best scores of the generations.
    """
    given = dict(locals())
    check_types(evolve, given)
    check_generations(generations)
    check_repeats(repeats)
    if not 0 <= remeasure <= MOST_TOP:
        raise DgnamError(f"remeasure {remeasure}: give how many of the best codes to measure again, 0 to {MOST_TOP}")
    outputs = EvolveOutputs(tuple(movies), every, fps)
    if movies and folder is None and output is None:
        raise DgnamError("movies need a folder to be saved in")
    place, chosen = usable_device(device), choose_method(method, population)
    black_box = _black_box(target, objective, score)
    opened = None
    if black_box is None:
        own = {"weights": weights, "labels": labels, "labels_layer": labels_layer}
        opened = open_target(target, **own, mean=mean, scale=scale, channels=channels)  # type: ignore[arg-type]
    else:
        _check_callable(given)
    size = None if opened is None else opened.target.size
    given["prior"] = default_prior(size) if prior is None else prior
    resolved = open_prior(given["prior"], size, weights=prior_weights)
    objectives: Sequence[Objective | None] = [None] if opened is None else read_objectives(objective, opened)
    many = choose_seeds(seeds, seed)
    _check_count(len(objectives) * len(many))
    check_asked(objectives, many)
    asked = [(one, of) for one in objectives for of in many]
    how: dict[str, Any] = {"device": place, "batch_size": batch_size}
    bounds, begins = choose_clip(clip, resolved), None if start is None else open_start(start, resolved)

    def search_from(seed: int) -> Search:
        return new_search(resolved, chosen, clip=bounds, seed=seed, start=begins, **how)

    score_of = {one: _score(black_box, opened, one, how) for one in objectives}
    searches = [search_from(of).inputs() for _, of in asked]
    inputs = {**search_inputs(resolved, searches, opened, objectives, clip=bounds, score=score), **how}
    record = Record("evolve", spec_of(given), inputs, environment("cma"))
    what = "black-box" if opened is None else f"{opened.name}-{objectives[0]}"
    run = begin(record, folder=folder, output=output, name=f"evolve-{what}" if name is None else name, resume=resume)
    if not resume:
        warn_unclipped(clip, bounds, resolved)
    prefixes = [""] if len(asked) == 1 else [f"{number:03d}/" for number in range(len(asked))]
    if run is not None:
        _check_not_fewer(run, prefixes, generations)
    with nullcontext() if run is None else at_work(run, generations * len(asked), "generations"):
        ends = []
        if run is not None and RESULT in run.names(""):
            run.discard(RESULT)  # of fewer generations, or written anew
        for number, (one, of) in enumerate(asked):
            search = search_from(of)  # one after the other, since a strategy of codes of 4096 numbers takes a megabyte
            if run is not None:
                search.save_in(run, prefixes[number], rescore=True)
                discard_earlier(search, generations)
            drive(search, score_of[one], generations, progress=progress)
            measured = {}
            if remeasure:
                again: dict[str, Any] = {"top": remeasure, "repeats": repeats, "rescore": True, "progress": progress}
                measured = measure_again(search, score_of[one], **again).measured
            write_movies(search, number, outputs)
            ends.append(SearchEnd.of(search, measured))
        found = _shown(ends, search.pictures, opened, resolved, asked, run)
        if run is not None:
            found.summary = write_report(run, found)
    return found


def _score(
    black_box: PictureScore | None, target: ResolvedTarget | None, one: Objective | None, how: Mapping[str, Any]
) -> PictureScore:
    if black_box is not None:
        return black_box
    assert target is not None
    assert one is not None
    return UnitScore(target.target, one, **how)


def _check_callable(given: Mapping[str, Any]) -> None:
    """Raise DgnamError for arguments that are about a target, where there is none."""
    unused = [name for name in ("labels", "labels_layer", "weights", "mean") if given[name] is not None]
    unused += [name for name, usual in (("scale", 1), ("channels", "BGR")) if given[name] != usual]
    if unused:
        raise DgnamError(f"a callable gives the scores itself: leave out {', '.join(unused)}")


def _check_count(searches: int) -> None:
    if not searches:
        raise DgnamError("there is nothing to do: give one or more objectives and seeds")
    if searches > MOST_SEARCHES:
        raise DgnamError(f"{searches:,} searches are too many for one run: at most {MOST_SEARCHES:,}")


def new_search(
    prior: ResolvedPrior,
    method: Method,
    *,
    clip: Bounds | None,
    seed: int,
    start: Start | None,
    device: str,
    batch_size: int,
) -> Search:
    """A search in the code space of a prior, from its method's own start or the code of a Start."""
    codes = None if start is None else start.codes([seed], prior.prior.code_shape)
    return Search(
        prior.prior,
        method,
        clip=clip,
        seed=seed,
        start_codes=codes,
        device=device,
        batch_size=batch_size,
    )


def search_inputs(
    prior: ResolvedPrior,
    searches: Sequence[Mapping[str, Any]],
    target: ResolvedTarget | None,
    objectives: Sequence[Objective | None],
    *,
    clip: Bounds | None,
    score: object = None,
) -> dict[str, Any]:
    """What decides the codes of searches, and their scores as far as that is known; `searches` are their inputs."""
    bounds = None if clip is None else clip.shaped(prior.prior.code_shape)
    return {
        "target": None if target is None else {"name": target.name, **target.record},
        "objectives": [None if one is None else objective_record(one) for one in objectives],
        "score": score if isinstance(score, str) else None,
        "prior": {"name": prior.name, **prior.record},
        "clip": bounds_record(bounds),
        "searches": list(searches),
    }


def choose_method(method: str | Method, population: int | None = None) -> Method:
    """The method that is given or named, with `population` images in a generation."""
    if isinstance(method, str):
        if method not in METHODS:
            raise DgnamError(f"method '{method}': give one of {closest(method, METHODS)}")
        method = METHODS[method]()
    return method if population is None else dataclasses.replace(method, population=population)


def _black_box(target: object, objective: object, score: object) -> PictureScore | None:
    """The callable that gives the scores; None where a target's unit does."""
    plain = callable(target) and not hasattr(target, "layer_shape") and not isinstance(target, torch.nn.Module)
    if score is None and target is None:
        raise DgnamError("there is nothing to maximize: give a target and its unit, as caffenet-mini fc8:3, or a score")
    if score is None and not plain:
        return None
    if score is not None and target is not None:
        raise DgnamError("give a target and its unit, or a score, not both")
    if objective is not None:
        raise DgnamError("a callable gives the scores itself: leave the objective out")
    found: Any = target if score is None else score
    return guarded(import_from_string(found, "score"), found, "score") if isinstance(found, str) else found


def _shown(
    ends: Sequence[SearchEnd],
    make: Callable[[np.ndarray], np.ndarray],
    target: ResolvedTarget | None,
    prior: ResolvedPrior,
    asked: Sequence[tuple[Objective | None, int]],
    run: Run | None,
) -> Evolution:
    """The best image and the mean code's of each search; `make` gives the pictures of codes."""

    def images(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pictures as they are shown, and what was scored; each is made alone, so that its bytes repeat."""
        pictures = np.concatenate([make(code[None]) for code in codes])
        raw = _seen(pictures, target)
        return pictures if target is None else np.stack([picture(image) for image in raw]), raw

    codes, means = (np.stack([getattr(end, part) for end in ends]) for part in ("code", "mean_code"))
    shown, raw = images(codes)
    scores, traces = np.array([end.score for end in ends], np.float32), np.array([end.best for end in ends], np.float32)
    arrays = Arrays(shown, raw, codes, scores, traces)
    name = "black box" if target is None else target.name
    return Evolution(
        lambda: arrays,
        captions=[name if target is None or one is None else target.caption(one) for one, _ in asked],
        title=f"{name}, prior {prior.name}",
        objectives=[one for one, _ in asked],
        seeds=[seed for _, seed in asked],
        settings=[None] * len(asked),
        size=(raw.shape[2], raw.shape[3]),
        folder=None if run is None else Path(run.path),
        remeasured=[end.measured for end in ends],
        mean_images=images(means)[0],
        mean_codes=means,
        generations=np.stack([end.generations for end in ends]),
        measured="score" if target is None else "activation",
    )


def _check_not_fewer(run: Run, prefixes: Sequence[str], generations: int) -> None:
    """Raise DgnamError where a search in the run has had more generations already."""
    had = max(len(generation_names(run, prefix)) for prefix in prefixes)
    if had > generations:
        raise DgnamError(f"{run.path}: a search has had {had} generations already; generations {generations} is fewer")


def _seen(pictures: np.ndarray, target: ResolvedTarget | None) -> np.ndarray:
    """What was scored, (N, 3, *size) float32, BGR, mean-subtracted, of pictures (N, H, W, 3) uint8 RGB."""
    outer = (pictures.shape[1], pictures.shape[2])
    framing = choose_framing(outer, outer) if target is None else frame_for(outer, target.target)
    return framing(torch.from_numpy(preprocess(pictures))).contiguous().numpy()
