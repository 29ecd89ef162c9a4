"""`visualize` without gradients: one search for each objective and seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..am import Bounds, Objective, Start, Target
from ..am.evolve import CmaEs, Genetic, Method, Score, UnitScore, run
from ..am.evolve import Search as Evolution
from ..am.images import picture
from ..am.render import render
from ..caffe.errors import CaffeError, closest
from ..caffe.proto.files import StrPath
from .cast import PriorInfo, TargetInfo
from .result import Visualization
from .start_text import open_start

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

    def score(self, target: Target, objective: Objective) -> Score:
        """An objective as a black box."""
        return UnitScore(target, objective, device=self.device)

    def chosen(self) -> Method:
        if not isinstance(self.method, str):
            return self.method
        if self.method not in METHODS:
            raise CaffeError(f"method '{self.method}': give one of {closest(self.method, ['gradient', *METHODS])}")
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
    if search.generations < 1:
        raise CaffeError(f"generations {search.generations}: give 1 or more")
    asked = [(objective, score, seed) for objective, score in scores for seed in seeds]
    found = [
        run(_begin(search, k, seed, prior, clip, start), score, search.generations, progress=search.progress)
        for k, (_, score, seed) in enumerate(asked)
    ]
    best = [one.best for one in found if one.best is not None]
    codes = np.stack([one.code for one in best])
    size = prior.prior.image_size if target is None else target.target.size
    raw = render(prior.prior, codes, size, device=search.device)
    name = "black box" if target is None else target.name
    return Visualization(
        images=np.stack([picture(image) for image in raw]),
        raw=raw,
        codes=codes,
        activations=np.array([one.score for one in best], np.float32),
        traces=np.array([[scores.max() for scores in one.scores] for one in found], np.float32),
        captions=[
            name if target is None or objective is None else target.caption(objective) for objective, _, _ in asked
        ],
        title=f"{name}, prior {prior.name}",
        objectives=[objective for objective, _, _ in asked],
        seeds=[seed for _, _, seed in asked],
        settings=[None] * len(asked),
        folder=None if search.folder is None else Path(search.folder),
    )


def _begin(
    search: Search, number: int, seed: int, prior: PriorInfo, clip: Bounds | None, start: str | Start | None
) -> Evolution:
    """A new search, or the one that its folder holds."""
    folder = None if search.folder is None else Path(search.folder) / f"search-{number:03d}"
    if search.resume and folder is None:
        raise CaffeError("resume needs the folder of a run")
    if search.resume and folder is not None and folder.exists():
        return Evolution.resume(folder, prior.prior, device=search.device)
    codes = None if start is None else open_start(start, prior).codes([seed], prior.prior.code_shape)
    return Evolution(
        prior.prior, search.chosen(), clip=clip, seed=seed, start_codes=codes, folder=folder, device=search.device
    )
