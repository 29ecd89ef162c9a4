"""`visualize` without gradients: one search for each objective and seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..am import Bounds, Objective, Start, Target
from ..am.evolve import CmaEs, Genetic, Method, Score, UnitScore, run
from ..am.evolve import Search as Evolution
from ..am.evolve.store import Settings, Store
from ..am.framing import view
from ..am.images import picture
from ..data.image_set import preprocess
from ..errors import DgnamError, closest
from ..files.paths import StrPath
from ..runs.interrupt import Interrupted
from .folder import first_difference
from .models import PriorInfo, TargetInfo
from .plan import objective_record
from .result import Visualization
from .starts import open_start

_SEARCH = "search-"
_ARRAYS = {"lower": "bounds of codes", "upper": "bounds of codes", "start_codes": "start codes"}

METHODS: dict[str, Callable[[], Method]] = {"cma": CmaEs, "genetic": Genetic, "xdream": Genetic.xdream}


@dataclass(frozen=True)
class Search:
    """How to search: the method or its name, and for how many generations.

    folder: where each search gets a folder of its own, `search-000`, …; None saves nothing.
    resume: go on with those that are there.
    """

    method: str | Method
    generations: int
    folder: StrPath | None
    resume: bool
    device: str
    progress: bool

    def check(self) -> None:
        """Raise DgnamError for what can't be begun, or gone on with."""
        if self.generations < 1:
            raise DgnamError(f"generations {self.generations}: give 1 or more")
        if self.folder is None:
            if self.resume:
                raise DgnamError("resume needs the folder of a run")
            return
        folder = Path(self.folder)
        if self.resume and not (folder / f"{_SEARCH}000").is_dir():
            raise DgnamError(f"{folder} holds no search: there is no {_SEARCH}000 in it")
        if not self.resume and folder.is_dir() and any(folder.iterdir()):
            raise DgnamError(f"{folder} is not empty: resume the search that it holds, or give another folder")

    def score(self, target: Target, objective: Objective) -> Score:
        """An objective as a black box."""
        return UnitScore(target, objective, device=self.device)

    def chosen(self) -> Method:
        if not isinstance(self.method, str):
            return self.method
        if self.method not in METHODS:
            raise DgnamError(f"method '{self.method}': give one of {closest(self.method, ['gradient', *METHODS])}")
        return METHODS[self.method]()


def evolved(
    search: Search,
    target: TargetInfo | None,
    scores: Sequence[tuple[Objective | None, Score]],
    prior: PriorInfo,
    seeds: Sequence[int],
    clip: Bounds | None,
    start: str | Start | None,
) -> Visualization:
    """The best image of a search for each score from each seed.

    target: of the objectives; None for a callable, which sees the prior's whole images.
    """
    search.check()
    asked = [(objective, score, seed) for objective, score in scores for seed in seeds]
    found = []
    for k, (objective, score, seed) in enumerate(asked):
        begun = _begin(search, k, seed, prior, clip, start, _record(target, objective, prior))
        found.append(_run(search, begun, score))
    best = [one.best for one in found if one.best is not None]
    codes = np.stack([one.code for one in best])
    pictures = found[0].pictures(codes)
    raw = _seen(pictures, pictures.shape[1:3] if target is None else target.target.size)
    name = "black box" if target is None else target.name
    return Visualization(
        images=pictures if target is None else np.stack([picture(image) for image in raw]),
        raw=raw,
        codes=codes,
        activations=np.array([one.score for one in best], np.float32),
        traces=_traces([one.scores for one in found]),
        captions=[
            name if target is None or objective is None else target.caption(objective) for objective, _, _ in asked
        ],
        title=f"{name}, prior {prior.name}",
        objectives=[objective for objective, _, _ in asked],
        seeds=[seed for _, _, seed in asked],
        settings=[None] * len(asked),
        folder=None if search.folder is None else Path(search.folder),
    )


def _seen(pictures: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What was scored, (N, 3, *size) float32, BGR, mean-subtracted, of pictures (N, H, W, 3) uint8 RGB."""
    whole = torch.from_numpy(preprocess(pictures))
    return view((pictures.shape[1], pictures.shape[2]), size)(whole).contiguous().numpy()


def _traces(scores: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """The best score of each generation; NaN after the last of a search that has had fewer than another."""
    traces = np.full((len(scores), max(map(len, scores))), np.nan, np.float32)
    for trace, generations in zip(traces, scores, strict=True):
        trace[: len(generations)] = [one.max() for one in generations]
    return traces


def _record(target: TargetInfo | None, objective: Objective | None, prior: PriorInfo) -> dict[str, Any]:
    """What decides a search's scores, as far as it is known, for its folder."""
    return {
        "target": None if target is None else {"name": target.name, **target.record},
        "objective": None if objective is None else objective_record(objective),
        "prior": {"name": prior.name, **prior.record},
    }


def _run(search: Search, begun: Evolution, score: Score) -> Evolution:
    """One search to its end; Ctrl-C says how to go on where it is saved."""
    try:
        return run(begun, score, search.generations, progress=search.progress)
    except KeyboardInterrupt:
        saved = "" if search.folder is None else "; go on by the same call with resume=True"
        raise Interrupted(f"stopped after {begun.generation} of {search.generations} generations{saved}") from None


def _begin(
    search: Search,
    number: int,
    seed: int,
    prior: PriorInfo,
    clip: Bounds | None,
    start: str | Start | None,
    record: Mapping[str, Any],
) -> Evolution:
    """A new search, or the one that its folder holds."""
    folder = None if search.folder is None else Path(search.folder) / f"{_SEARCH}{number:03d}"
    method, shape = search.chosen(), prior.prior.code_shape
    codes = None if start is None else open_start(start, prior).codes([seed], shape)
    if search.resume and folder is not None and folder.exists():
        bounds = None if clip is None else clip.shaped(shape)
        _check_same(folder, Settings.of(method, seed, shape, prior.prior.image_size, bounds, codes, dict(record)))
        return Evolution.resume(folder, prior.prior, method, device=search.device)
    return Evolution(
        prior.prior, method, clip=clip, seed=seed, start_codes=codes, folder=folder, record=record, device=search.device
    )


def _check_same(folder: Path, now: Settings) -> None:
    """Raise DgnamError where a folder's search was made otherwise; versions are `Search.resume`'s care."""
    was = Store.open(folder).settings
    ours, theirs = (json.loads(json.dumps({**one.as_json(), "versions": None})) for one in (now, was))
    if ours != theirs:
        old, new = first_difference(theirs, ours, "search")
        raise DgnamError(f"{folder} can't go on: it was made with {old}, and now there is {new}")
    arrays, made = now.arrays(), was.arrays()
    for name in sorted(arrays.keys() | made.keys()):
        if name not in arrays or name not in made or not np.array_equal(arrays[name], made[name]):
            raise DgnamError(f"{folder} can't go on: it was made with {_ARRAYS[name]} that are not those given now")
