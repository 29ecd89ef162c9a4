"""A black-box search in ask/tell form: codes and their pictures out, scores in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...data.image_set import deprocess
from ...errors import DgnamError, FormatError
from ..priors import Prior
from ..regularizers.bounds import Bounds
from ..render import render
from .cma_es import CmaEs
from .genetic import Genetic
from .method import Method, Start
from .score import check_scores
from .store import Settings, Store

METHODS: dict[str, type[CmaEs] | type[Genetic]] = {method.name: method for method in (CmaEs, Genetic)}
"""The methods by the names that commands and records give them."""

_SAME = 1e-3
"""How far a code may be from the recorded one when a search is resumed: far above the rounding of another processor,
far below what other random numbers give."""


@dataclass(frozen=True, eq=False)
class Best:
    """The code of the highest score so far.  The score is a single measurement, so with a noisy neuron a lucky one.

    code: (*code_shape) float32.
    generation, index: which it was, and its place there.
    """

    code: np.ndarray
    score: float
    generation: int
    index: int


class Search:
    """One search, saved after every generation where it has a folder.

    generation: how many have been told, and so the number of the one that `ask` gives.
    best: the best so far; None before the first `tell`.
    scores: those of each generation, (n,) float64.
    record: what the folder's record says beside the settings.

    The folder holds `search.json` and `start.h5`, the settings; `generations/00000.h5`, …, the codes and scores of each
    generation; and `best.png`.  Each file is renamed into place when it is whole, so a process killed at any moment
    loses no more than the generation in flight.  The state of strategy and random numbers is a function of settings and
    scores, and `resume` computes it from them, in less than a tenth of a second a generation for codes of 4096 numbers;
    so there is no file of pickled objects, which other versions couldn't read and which could run code of its author's.
    """

    def __init__(
        self,
        prior: Prior,
        method: Method | None = None,
        *,
        clip: Bounds | None = None,
        seed: int = 0,
        start_codes: np.ndarray | None = None,
        folder: str | Path | None = None,
        record: Mapping[str, Any] | None = None,
        device: str | torch.device = "cpu",
        batch_size: int = 100,
    ):
        """A new search.

        method: CmaEs() where None.
        clip: the bounds that every code keeps to, as `act_range_bounds`; None leaves codes free.
        start_codes: (k, *code_shape), what the method begins with: members of the genetic algorithm's first generation,
            or CMA-ES's mean; where None, random codes, N(0, 1) within the bounds.
        folder: where it is saved; a new or an empty one.
        record: more for the folder's record, as JSON can hold it.
        batch_size: how many images the prior makes at once.
        """
        self.prior, self.device, self.batch_size = prior, torch.device(device), batch_size
        self.method: Method = CmaEs() if method is None else method
        self.bounds = None if clip is None else clip.shaped(prior.code_shape)
        if not 0 <= seed < 2**32:
            raise DgnamError(f"seed {seed}: give one of 0 to {2**32 - 1}")
        self.seed = seed
        self.start_codes = None if start_codes is None else _start(start_codes, prior.code_shape)
        self.record = {} if record is None else dict(record)
        size = int(np.prod(prior.code_shape))
        self._strategy = self.method.begin(Start.of(size, self.bounds, seed, self.start_codes))
        self.scores: list[np.ndarray] = []
        self.best: Best | None = None
        self._codes: np.ndarray | None = None
        self._images: np.ndarray | None = None
        self._asked = False
        self._store = None if folder is None else Store.create(folder, self._settings())

    @classmethod
    def resume(
        cls,
        folder: str | Path,
        prior: Prior,
        method: Method | None = None,
        *,
        device: str | torch.device = "cpu",
        batch_size: int = 100,
    ) -> Search:
        """The search in `folder`, where it was after its last `tell`: it asks for the same codes as if never stopped.

        prior: the one that it was made with; one of other shapes is an error.
        method: None for the recorded one; a method that isn't one of METHODS must be given again.
        """
        store = Store.open(folder)
        settings = store.settings
        if (settings.code_shape, settings.image_size) != (prior.code_shape, prior.image_size):
            raise DgnamError(
                f"{folder} was made with a prior of codes {settings.code_shape} and images {settings.image_size}, and "
                f"this one has {prior.code_shape} and {prior.image_size}"
            )
        search = cls(
            prior,
            _recorded(settings, folder) if method is None else method,
            clip=settings.clip,
            seed=settings.seed,
            start_codes=settings.start_codes,
            record=settings.record,
            device=device,
            batch_size=batch_size,
        )
        search._replay(store)
        return search

    @property
    def generation(self) -> int:
        return len(self.scores)

    @property
    def evaluations(self) -> int:
        """How many scores have been told."""
        return sum(map(len, self.scores))

    def ask(self) -> tuple[np.ndarray, np.ndarray]:
        """The codes to be scored, (n, *code_shape) float32, and their pictures, (n, H, W, 3) uint8 RGB.

        The pictures are the prior's whole images as a camera would have taken them: the mean is added back, and what is
        darker than black or lighter than white is cut.  Asked again before `tell`, it gives the same.
        """
        codes = self._next()
        if self._images is None:
            self._images = self.pictures(codes)
        self._asked = True
        return codes.copy(), self._images.copy()

    def tell(self, scores: Any) -> None:
        """The scores (n,) of the codes that `ask` gave, in their order; the larger the better.

        Where the scores can't be used or the folder not be written, an error is raised and the generation stays open.
        """
        if not self._asked:
            raise DgnamError(f"generation {self.generation} hasn't been asked for: call ask, then tell its scores")
        codes = self._next()
        values = check_scores(scores, len(codes))
        if self._store is not None:
            self._store.add(self.generation, codes, values)
        before = self.best
        self._accept(codes, values)
        if self.best is not before:
            self._show_best()

    def pictures(self, codes: np.ndarray) -> np.ndarray:
        """The prior's pictures (n, H, W, 3) uint8 RGB of `codes` (n, *code_shape)."""
        images = render(self.prior, codes, self.prior.image_size, batch_size=self.batch_size, device=self.device)
        return deprocess(images)

    def _next(self) -> np.ndarray:
        """The open generation's codes, in float32 and within the bounds, which rounding may have left."""
        if self._codes is None:
            asked = self._strategy.ask()
            codes = asked.astype(np.float32).reshape(-1, *self.prior.code_shape)
            self._codes = codes if self.bounds is None else self.bounds.apply(codes).astype(np.float32)
        return self._codes

    def _accept(self, codes: np.ndarray, scores: np.ndarray) -> None:
        self._strategy.tell(scores)
        top = int(scores.argmax())
        if self.best is None or scores[top] > self.best.score:
            self.best = Best(codes[top].copy(), float(scores[top]), self.generation, top)
        self.scores.append(scores)
        self._codes, self._images, self._asked = None, None, False

    def _replay(self, store: Store) -> None:
        """Take the recorded generations' steps again, and go on in the same folder."""
        for generation in range(store.count()):
            codes, scores = store.read(generation)
            ours = self._next()
            if codes.shape != ours.shape or not np.allclose(codes, ours, rtol=_SAME, atol=_SAME):
                raise DgnamError(
                    f"{store.path}: generation {generation} can't be repeated from the settings; it was made with "
                    f"{store.settings.versions}, and another version's random numbers or strategy may differ"
                )
            self._accept(codes, check_scores(scores, len(codes)))
        self._store = store
        if self.best is not None:
            self._show_best()

    def _show_best(self) -> None:
        if self._store is not None and self.best is not None:
            self._store.write_best(self.pictures(self.best.code[None])[0])

    def _settings(self) -> Settings:
        return Settings.of(
            self.method,
            self.seed,
            self.prior.code_shape,
            self.prior.image_size,
            self.bounds,
            self.start_codes,
            self.record,
        )


def _recorded(settings: Settings, folder: str | Path) -> Method:
    """The method of a record, with its settings."""
    if settings.method not in METHODS:
        raise DgnamError(
            f"{folder} was made with the method '{settings.method}', which is none of {', '.join(METHODS)}; give it"
        )
    try:
        return METHODS[settings.method](**settings.parameters)
    except (TypeError, DgnamError) as error:
        raise FormatError(f"{folder}: the settings of method '{settings.method}' can't be used: {error}") from None


def _start(codes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    codes = np.asarray(codes, np.float32)
    if codes.shape[1:] != shape or len(codes) == 0:
        raise DgnamError(f"start_codes have shape {codes.shape}; one or more of shape {shape} are needed")
    if not np.isfinite(codes).all():
        raise DgnamError("start_codes must be finite")
    return codes
