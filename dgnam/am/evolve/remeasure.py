"""The best codes of a search and its mean code, measured again: what a noisy neuron really responds.

The highest of many noisy scores is a lucky one.  New measurements of the same pictures aren't chosen for being high, so
their mean is unbiased, but for the choice among the few that were measured again; that bias is taken out by regressing
their means to the mean of all by the share of their variance that is noise (Efron & Morris 1975, J. Am. Stat. Assoc.
70, 311-319).  The mean code is one whatever it scores, so that its mean is unbiased as it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import DgnamError, FormatError
from ...runs import Interrupted, Run, defer_interrupt, progress_bar
from ..score import PictureScore
from .score import CONTRACT, check_scores, masked
from .search import AGAIN, MOST_TOP, SAME, Search, own_names

MEAN_CODE = "mean"

USUAL_REPEATS, FEWEST_REPEATS = 10, 2
"""How often the best codes are shown again where nobody says it, and how often at least."""

_SAME_SCORE = 1e-4
"""By how much a score without noise may differ, relatively, in another batch."""


@dataclass(frozen=True, eq=False)
class Measured:
    """A code that was measured after the search.

    what: "mean", or "best-1", "best-2", … by the search's own scores.
    code: (*code_shape) float32.
    found: its score in the search, chosen for being high; NaN for the mean code, which the search never scores.
    values: (count,) float64, the new measurements, without lost trials.
    regressed: the estimate of its mean response, the bias of the choice taken out.
    """

    what: str
    code: np.ndarray
    found: float
    values: np.ndarray
    regressed: float

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def count(self) -> int:
        return len(self.values)

    @property
    def standard_error(self) -> float:
        """Of the mean; NaN for less than two measurements."""
        return float(self.values.std(ddof=1) / np.sqrt(self.count)) if self.count > 1 else float("nan")

    def __repr__(self) -> str:
        return f"<Measured: {self.what}, {self}>"

    def __str__(self) -> str:
        error = "" if np.isnan(self.standard_error) else f" ± {self.standard_error:.2g}"
        return f"{self.mean:.4g}{error} (n={self.count})"


class Remeasurement:
    """Measurements after a search's last generation, in ask/tell form; those of its run are read first.

        again = Remeasurement(search, top=5)
        again.tell([measure(again.pictures) for _ in range(10)])
        again.measured["mean"].mean, again.best.regressed

    names: "mean", then "best-1", … of the codes of the highest scores, as many as `top`.
    codes, pictures: theirs, (n, *code_shape) float32 and (n, H, W, 3) uint8 RGB, in that order.
    rounds: how often they have been told.
    """

    def __init__(self, search: Search, top: int = 5, *, rescore: bool = False):
        """rescore: discard recorded measurements of other codes or damaged ones, with a warning, not an error."""
        if not 1 <= top <= MOST_TOP:
            raise DgnamError(f"remeasure {top}: give how many of the best codes to measure again, 1 to {MOST_TOP}")
        if search.best is None:
            raise DgnamError("nothing has been measured yet: the codes that are measured again come from generations")
        self.search = search
        found = search.top(MOST_TOP)
        self._all = [search.mean_code, *(one.code for one in found)]
        self._found = [float("nan"), *(one.score for one in found)]
        self.names = [MEAN_CODE, *(f"best-{rank}" for rank in range(1, min(top, len(found)) + 1))]
        self.codes = np.stack(self._all[: len(self.names)])
        self._rounds: list[np.ndarray] = []
        self._read(rescore)

    @cached_property
    def pictures(self) -> np.ndarray:
        """Those of the codes, each made alone, so that it is the same whatever `top` is."""
        return np.concatenate([self.search.pictures(code[None]) for code in self.codes])

    @property
    def rounds(self) -> int:
        return len(self._rounds)

    @property
    def presentations(self) -> int:
        """How often the one of `names` that was shown least has been shown, lost trials included."""
        return min(sum(len(one) for one in self._rounds if one.shape[1] > place) for place in range(len(self.names)))

    def tell(self, scores: Any) -> None:
        """New measurements, (n,) or (r, n) for r presentations of each; those of lost trials are masked."""
        if not np.ma.isMaskedArray(scores):
            scores = np.asarray(scores)
        rows = scores[None] if scores.ndim == 1 else scores
        values = np.stack([check_scores(row, len(self.names), some=False) for row in rows])
        if self.search.run is not None:
            name = self._chunk(self.rounds)
            if self.search.run.has_file(name):
                raise DgnamError(f"{self.search.run.path} has '{name}': another process told it")
            found = np.array(self._found[: len(self.names)])
            self.search.run.save(name, {"codes": self.codes, "found": found, "scores": values}, count=0)
        self._rounds.append(values)

    @property
    def measured(self) -> dict[str, Measured]:
        """By name, the codes that have new measurements: the mean code first, then the best."""
        return measured_in(self._all, self._found, self._rounds)

    @property
    def noise_free(self) -> bool:
        """Whether each of the best codes has scored again what it did in the search, so far."""
        best = [one for one in self.measured.values() if one.what != MEAN_CODE]
        return bool(best) and all(np.allclose(one.values, one.found, rtol=_SAME_SCORE, atol=1e-9) for one in best)

    @property
    def best(self) -> Measured | None:
        """The one of the best codes with the highest mean now; None where none has been measured."""
        return best_of(self.measured)

    def said(self, name: str) -> str:
        """What is known of one of `names`, for people: its new measurements, or its score in the search."""
        measured = self.measured.get(name)
        if measured is not None:
            return str(measured)
        found = self._found[self.names.index(name)]
        return "not measured" if np.isnan(found) else f"{found:.4g} in the search"

    def _chunk(self, number: int) -> str:
        return f"{_begin(self.search.prefix, self.search.generation)}{number:04d}"

    def _read(self, rescore: bool) -> None:
        run = self.search.run
        while run is not None and run.has_file(self._chunk(self.rounds)):
            name = self._chunk(self.rounds)
            try:
                run.recover(name, count=0)
                self._rounds.append(self._checked(run, name))
            except DgnamError as error:
                if not rescore:
                    raise
                warnings.warn(f"{error}; it is measured again", stacklevel=4)
                rounds = round_names(run, self.search.prefix, self.search.generation)
                run.discard(*(one for one in rounds if one >= name))
                return

    def _checked(self, run: Run, name: str) -> np.ndarray:
        """A round's scores, (r, n)."""
        arrays = run.load(name)
        codes, scores = (arrays.get(part, np.zeros(0)) for part in ("codes", "scores"))
        ours = np.stack(self._all[: max(1, len(codes))])
        if codes.shape != ours.shape or scores.shape[1:] != codes.shape[:1] or np.isinf(scores).any():
            raise FormatError(f"{run.path}: chunk '{name}' holds no measurements")
        if not np.allclose(codes, ours, rtol=SAME, atol=SAME):
            raise DgnamError(f"{run.path}: chunk '{name}' holds measurements of other codes")
        return scores.astype(np.float64)


def remeasure(
    search: Search,
    score: PictureScore,
    *,
    top: int = 5,
    repeats: int | None = None,
    rescore: bool = False,
    progress: bool = True,
) -> Remeasurement:
    """Score the best codes and the mean code until each has been shown `repeats` times; each round is saved.

    A round shows each once, in random order, so that a neuron's adaptation and drift bias none of them.

    repeats: None for 10, or 2 where these bring the best codes' scores of the search again, free of noise.
    Raises Interrupted after Ctrl-C or SIGTERM, once the round in hand is told; one within the score gives it up.
    """
    if not callable(score):
        raise DgnamError(f"{score!r} is not a score: {CONTRACT}")
    again = Remeasurement(search, top, rescore=rescore)
    try:
        return _rounds(again, score, repeats, progress)
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise Interrupted(_stopped(again)) from None


def check_repeats(repeats: int | None) -> None:
    """Raise DgnamError for less than one."""
    if repeats is not None and repeats < 1:
        raise DgnamError(f"repeats {repeats}: give how often each picture is shown, 1 or more")


def _rounds(again: Remeasurement, score: PictureScore, repeats: int | None, progress: bool) -> Remeasurement:
    check_repeats(repeats)
    wanted = USUAL_REPEATS if repeats is None else repeats
    bar = progress_bar(total=wanted, initial=again.presentations, unit="round", desc="measuring again", show=progress)
    with bar, defer_interrupt() as stop:
        while again.presentations < wanted and not stop:
            if repeats is None and again.presentations >= FEWEST_REPEATS and again.noise_free:
                break
            order = np.random.RandomState([again.search.seed, again.rounds]).permutation(len(again.names))
            values = np.empty(len(order))
            values[order] = check_scores(score(again.pictures[order]), len(order), some=False)
            again.tell(masked(values))
            bar.update()
    if stop:
        raise stop.interrupted(_stopped(again))
    return again


def _stopped(again: Remeasurement) -> str:
    return f"stopped after {again.presentations} rounds of measuring the best codes again"


def round_names(run: Run, prefix: str, generation: int) -> list[str]:
    """The chunks of what a search measured again after so many generations, in their order."""
    return sorted(name for name in own_names(run, prefix) if name.startswith(_begin(prefix, generation)))


def discard_earlier(search: Search, generations: int) -> None:
    """Discard what was measured again before a search goes on to so many generations: it is measured after the last."""
    run, begin = search.run, f"{search.prefix}{AGAIN}-"
    if run is not None and search.generation < generations:
        run.discard(*(name for name in own_names(run, search.prefix) if name.startswith(begin)))


def read_measured(run: Run, prefix: str, generation: int) -> dict[str, Measured]:
    """What a search measured again after so many generations, from its run's chunks alone."""
    rounds = [run.load(name) for name in round_names(run, prefix, generation)]
    for arrays in rounds:
        codes, found, scores = (arrays.get(part, np.zeros(0)) for part in ("codes", "found", "scores"))
        if scores.ndim != 2 or not len(codes) == len(found) == scores.shape[1] > 0:
            raise FormatError(f"{run.path}: a chunk of measurements after generation {generation} holds none")
    widest = max(rounds, key=lambda arrays: len(arrays["codes"]), default={"codes": (), "found": ()})
    return measured_in(widest["codes"], widest["found"], [arrays["scores"] for arrays in rounds])


def measured_in(
    codes: Sequence[np.ndarray] | np.ndarray, found: Sequence[float] | np.ndarray, rounds: Sequence[np.ndarray]
) -> dict[str, Measured]:
    """By name, the codes that have measurements in the rounds, (r, n) each: the mean code first, then the best.

    codes, found: all that may have been measured, and their scores in the search; a round has the first n.
    """
    values: dict[int, np.ndarray] = {}
    for place in range(max((one.shape[1] for one in rounds), default=0)):
        column = np.concatenate([one[:, place] for one in rounds if one.shape[1] > place])
        if np.isfinite(column).any():
            values[place] = column[np.isfinite(column)]
    regressed = dict(zip((p for p in values if p), _regressed([one for p, one in values.items() if p]), strict=True))
    measured = {}
    for place, one in values.items():
        what = f"best-{place}" if place else MEAN_CODE
        estimate = regressed.get(place, float(one.mean()))
        measured[what] = Measured(what, codes[place], float(found[place]), one, estimate)
    return measured


def best_of(measured: Mapping[str, Measured]) -> Measured | None:
    """Of codes that were measured again the best one; None where there is none but the mean code."""
    among = [one for one in measured.values() if one.what != MEAN_CODE]
    return max(among, key=lambda one: one.mean, default=None)


def _begin(prefix: str, generation: int) -> str:
    """What the names of the chunks begin with."""
    return f"{prefix}{AGAIN}-{generation:05d}-"


def _regressed(values: Sequence[np.ndarray]) -> list[float]:
    """Each code's mean, moved to the mean of all by the share of the means' variance that is noise.

    values: the measurements of each.  Means that the noise can't be told of, by one measurement each, stay.
    """
    means = np.array([one.mean() for one in values])
    several = [one for one in values if len(one) > 1]
    if len(values) < 2 or not several:
        return means.tolist()
    within = sum(((one - one.mean()) ** 2).sum() for one in several) / sum(len(one) - 1 for one in several)
    noise = within * np.mean([1 / len(one) for one in values])
    spread = means.var(ddof=1)
    share = 1.0 if noise == 0 else max(0.0, 1 - noise / spread) if spread > 0 else 0.0
    return (means.mean() + share * (means - means.mean())).tolist()
