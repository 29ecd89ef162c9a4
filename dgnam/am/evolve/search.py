"""A black-box search in ask/tell form: codes and their pictures out, scores in."""

from __future__ import annotations

import dataclasses
import re
import warnings
from typing import Any

import numpy as np
import torch

from ...data.preprocessing import deprocess
from ...errors import DgnamError
from ...files.checksums import sha256_of_array
from ...files.encode import png
from ...runs import Run
from ..priors import Prior
from ..regularizers import Bounds
from ..render import render
from .cma_es import CmaEs
from .method import Method, Origin
from .score import check_scores, masked
from .top import Best, TopCodes

BEST, MEAN = "best.png", "mean.png"

AGAIN = "remeasured"
"""What the chunks of measurements after the search are called by; see `Remeasurement`."""

MOST_TOP = 100
"""So many of the best codes are remembered, to be measured again."""

SAME = 1e-3
"""How far a code may be from the recorded one when a search is resumed: far above the rounding of another processor,
far below what other random numbers give."""


class Search:
    """One search, each generation saved as a chunk where it has a run.

    generation: how many have been told, and so the number of the one that `ask` gives.
    best: the best so far; None before the first `tell`.
    scores: those of each generation, (n,) float64, NaN for lost trials.
    run, prefix: where it is saved, and what the names of its chunks begin with; None and "" in memory.

    A chunk holds a generation's codes and scores, and the mean of the distribution that the codes are of.  The state of
    strategy and random numbers is a function of the settings and the scores, and a resumed search computes it from
    them, in less than a tenth of a second a generation for codes of 4096 numbers; so there is no file of pickled
    objects, which other versions couldn't read and which could run code of its author's.
    """

    def __init__(
        self,
        prior: Prior,
        method: Method | None = None,
        *,
        clip: Bounds | None = None,
        seed: int = 0,
        start_codes: np.ndarray | None = None,
        device: str | torch.device = "cpu",
        batch_size: int = 100,
    ):
        """A new search.

        method: CmaEs() where None.
        clip: the bounds that every code keeps to, as `act_range_bounds`; None leaves codes free.
        start_codes: (k, *code_shape), what the method begins with: members of the genetic algorithm's first generation,
            or CMA-ES's mean; where None, random codes, N(0, 1) within the bounds.
        batch_size: how many images the prior makes at once.
        """
        self.prior, self.device, self.batch_size = prior, torch.device(device), batch_size
        self.method: Method = CmaEs() if method is None else method
        self.bounds = None if clip is None else clip.shaped(prior.code_shape)
        if not 0 <= seed < 2**32:
            raise DgnamError(f"seed {seed}: give one of 0 to {2**32 - 1}")
        if batch_size < 1:
            raise DgnamError(f"batch_size {batch_size} must be at least 1")
        self.seed = seed
        self.start_codes = None if start_codes is None else _start(start_codes, prior.code_shape)
        size = int(np.prod(prior.code_shape))
        self._strategy = self.method.begin(Origin.of(size, self.bounds, seed, self.start_codes))
        self.scores: list[np.ndarray] = []
        self.best: Best | None = None
        self._codes: np.ndarray | None = None
        self._images: np.ndarray | None = None
        self._asked = False
        self._top = TopCodes(MOST_TOP)
        self.run: Run | None = None
        self.prefix = ""

    def __repr__(self) -> str:
        best = "" if self.best is None else f", best {self.best.score:.6g}"
        where = "" if self.run is None else f", in {self.run.path}"
        return f"<Search: {self.method.name}, seed {self.seed}; {self.generation} generations{best}{where}>"

    def inputs(self) -> dict[str, Any]:
        """All that its codes follow from beside the scores, as JSON can hold it."""
        return {
            "method": self.method.name,
            "parameters": dataclasses.asdict(self.method),
            "seed": self.seed,
            "code_shape": list(self.prior.code_shape),
            "image_size": list(self.prior.image_size),
            "start_codes": None if self.start_codes is None else f"sha256:{sha256_of_array(self.start_codes)}",
        }

    def save_in(self, run: Run, prefix: str = "", *, rescore: bool = False) -> Search:
        """Save each generation told from now on in `run`, after the steps of those that it holds are taken again.

        prefix: what the names of the search's chunks begin with, where several share a run.
        rescore: give up a generation that is missing or damaged, and those after it, to be scored again, with a
            warning.  Otherwise that is an error: a neuron's scores can't be had a second time.
        Returns the search, where it was after its last `tell`: it asks for the same codes as if never stopped.
        """
        self.run, self.prefix = run, prefix
        if rescore:
            self._give_up_damaged(run)
        while run.has_file(self._chunk(self.generation)):
            self._replay(run)
        later = generation_names(run, prefix)[self.generation :]
        if later:
            next_one = self._chunk(self.generation)
            raise DgnamError(f"{run.path}: generation '{next_one}' is missing, and '{later[0]}' is there")
        self._show()
        return self

    @property
    def generation(self) -> int:
        return len(self.scores)

    @property
    def mean_code(self) -> np.ndarray:
        """The mean of the codes that the method would draw next, (*code_shape) float32; no lucky score decides it.

        CMA-ES's mean; of the genetic algorithm what a child is on average before it mutates.
        """
        return self._clipped(self._strategy.mean())[0]

    def top(self, count: int) -> list[Best]:
        """The codes of the highest scores, at most 100, the best first; of one scored several times counts the mean."""
        return self._top.first(count)

    def ask(self) -> tuple[np.ndarray, np.ndarray]:
        """The next generation: codes (n, *code_shape) float32 and pictures (n, H, W, 3) uint8 RGB.

        Asked again before `tell`, it gives the same ones.
        """
        codes = self._next()
        if self._images is None:
            self._images = self.pictures(codes)
        self._asked = True
        return codes.copy(), self._images.copy()

    def tell(self, scores: Any) -> None:
        """The scores of the codes that `ask` gave, in their order; the larger the better.

        Those of lost trials are masked (`np.ma.masked_array`); the method does without them.
        Where the scores can't be used or the run not be written, an error is raised and the generation stays open.
        """
        if not self._asked:
            raise DgnamError(f"generation {self.generation} hasn't been asked for: call ask, then tell its scores")
        codes = self._next()
        values = check_scores(scores, len(codes))
        if self.run is not None:
            name = self._chunk(self.generation)
            if self.run.has_file(name):
                raise DgnamError(f"{self.run.path} has generation {self.generation}: another process told it")
            arrays = {"codes": codes, "scores": values, "mean": self.mean_code}
            lost = np.isnan(values)
            self.run.save(name, {**arrays, "lost": lost.astype(np.uint8)} if lost.any() else arrays)
        before = self.best
        self._accept(codes, values)
        self._show(self.best is not before)

    def pictures(self, codes: np.ndarray) -> np.ndarray:
        """The prior's pictures (n, H, W, 3) uint8 RGB of `codes` (n, *code_shape)."""
        images = render(self.prior, codes, self.prior.image_size, batch_size=self.batch_size, device=self.device)
        return deprocess(images)

    def _chunk(self, generation: int) -> str:
        return f"{self.prefix}{generation:05d}"

    def _next(self) -> np.ndarray:
        """The open generation's codes."""
        if self._codes is None:
            self._codes = self._clipped(self._strategy.ask())
        return self._codes

    def _clipped(self, flat: np.ndarray) -> np.ndarray:
        """A strategy's codes (n, *code_shape) in float32 and within the bounds, which rounding may have left."""
        codes = flat.astype(np.float32).reshape(-1, *self.prior.code_shape)
        return codes if self.bounds is None else self.bounds.clip(codes).astype(np.float32)

    def _accept(self, codes: np.ndarray, scores: np.ndarray) -> None:
        self._strategy.tell(scores)
        top = int(np.nanargmax(scores))
        if self.best is None or scores[top] > self.best.score:
            self.best = Best(codes[top].copy(), float(scores[top]), self.generation, top)
        self._top.add(codes, scores, self.generation)
        self.scores.append(scores)
        self._codes, self._images, self._asked = None, None, False

    def _give_up_damaged(self, run: Run) -> None:
        """Discard the first generation that is missing or damaged, and all that was measured after it."""
        whole = 0
        while run.has(self._chunk(whole)):
            whole += 1
        rest = generation_names(run, self.prefix)[whole:]
        if rest:
            say = f"{run.path}: generation '{self._chunk(whole)}' is missing or damaged; "
            warnings.warn(f"{say}it and those after it are scored again", stacklevel=4)
            begin = f"{self.prefix}{AGAIN}-"
            run.discard(*rest, *(name for name in own_names(run, self.prefix) if name.startswith(begin)))

    def _replay(self, run: Run) -> None:
        """Take a recorded generation's step again; scores that were measured can't be had a second time."""
        name = self._chunk(self.generation)
        run.recover(name)
        arrays = run.load(name)
        codes, scores = arrays.get("codes"), arrays.get("scores")
        ours = self._next()
        if codes is None or scores is None or codes.shape != ours.shape:
            raise DgnamError(f"{run.path}: chunk '{name}' is not a generation of this search")
        if not np.allclose(codes, ours, rtol=SAME, atol=SAME):
            raise DgnamError(
                f"{run.path}: generation {self.generation} can't be repeated from the record; another version's random "
                "numbers or strategy may differ"
            )
        lost = arrays.get("lost")
        told = scores if lost is None or lost.shape != scores.shape else masked(np.where(lost, np.nan, scores))
        self._accept(codes.astype(np.float32), check_scores(told, len(codes)))

    def _show(self, best: bool = True) -> None:
        """Write the mean code's picture and, if it is another, the best's; each is made alone, so bytes repeat."""
        if self.run is not None and self.best is not None:
            shown = {MEAN: self.mean_code, **({BEST: self.best.code} if best else {})}
            for name, code in shown.items():
                self.run.write_bytes(f"{self.prefix}{name}", png(self.pictures(code[None])[0]))


def own_names(run: Run, prefix: str = "") -> list[str]:
    """The chunks of a search, in the order they were made."""
    return [name for name in run.names(prefix.rstrip("/") if prefix else None) if name.startswith(prefix)]


def generation_names(run: Run, prefix: str = "") -> list[str]:
    """The chunks of a search's generations, in their order."""
    found = [name for name in own_names(run, prefix) if re.fullmatch("[0-9]{5,}", name.removeprefix(prefix))]
    return sorted(found, key=lambda name: int(name.removeprefix(prefix)))


def _start(codes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    codes = np.asarray(codes, np.float32)
    if codes.shape[1:] != shape or len(codes) == 0:
        raise DgnamError(f"start_codes have shape {codes.shape}; one or more of shape {shape} are needed")
    if not np.isfinite(codes).all():
        raise DgnamError("start_codes must be finite")
    return codes
