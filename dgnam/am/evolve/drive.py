"""The loop around a search whose score is a callable."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from ...errors import DgnamError
from ..priors import Prior
from ..regularizers.bounds import Bounds
from .cma_es import CmaEs
from .method import Method
from .score import CONTRACT, Score
from .search import Search


def run(search: Search, score: Score, generations: int, *, progress: bool = True) -> Search:
    """Ask, score and tell until the search has had `generations` in all, those of earlier runs included."""
    if not callable(score):
        raise DgnamError(f"{score!r} is no score: {CONTRACT}")
    with tqdm(
        total=generations, initial=search.generation, unit="generation", desc="evolving", disable=not progress
    ) as bar:
        while search.generation < generations:
            _, images = search.ask()
            search.tell(score(images))
            if search.best is not None:
                bar.set_postfix(best=f"{search.best.score:.4g}", refresh=False)
            bar.update()
    return search


def evolve(
    score: Score,
    prior: Prior,
    method: Method | None = None,
    *,
    generations: int,
    clip: Bounds | None = None,
    seed: int = 0,
    start_codes: np.ndarray | None = None,
    folder: str | Path | None = None,
    record: Mapping[str, Any] | None = None,
    device: str | torch.device = "cpu",
    progress: bool = True,
) -> Search:
    """Maximize a callable's score over the prior's images: a new `Search`, run for so many generations.

    method: CmaEs() where None.
    The other arguments are the search's; one with a `folder` goes on later by `run(Search.resume(folder, prior), …)`.
    """
    chosen = CmaEs() if method is None else method
    search = Search(
        prior, chosen, clip=clip, seed=seed, start_codes=start_codes, folder=folder, record=record, device=device
    )
    return run(search, score, generations, progress=progress)
