"""CMA-ES by the package `cma` (Hansen, pycma), with a diagonal covariance, since codes have hundreds of numbers.

Sources: Ros & Hansen 2008 (sep-CMA-ES: time and memory linear in the code's size); Wang & Ponce 2022 (High-performance
evolutionary algorithms for online neuron control), who compared methods for fc6 codes.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...errors import DgnamError, optional_module
from .method import MOST, Origin, is_count

_LEAST_POPULATION = 4
_LEAST_WIDTH = 1e-6
"""A neuron whose bounds are equal gets this much room in the package, which wants some; the search clips it away."""


@dataclass(frozen=True)
class CmaEs:
    """CMA-ES with a diagonal covariance.

    population: codes in a generation; None for the package's 4 + 3 ln n: 21 for 384 numbers, 28 for 4096.
    sigma: the standard deviation of the first generation's numbers around the mean of the start codes, or around 0, the
        mean of the published start, whose own is 1.  2 is ours: after 2000 images of six units of caffenet-mini 1 and 3
        had reached 5 % less.

    Codes keep to the bounds by the package's own smooth transformation, which folds a code at its bounds.  On units of
    caffenet-mini, clipping what is scored reached as much, but its sigma shrank more slowly; clipping what is told
    reached less.
    """

    name: ClassVar[str] = "cma"
    population: int | None = None
    sigma: float = 2.0

    def __post_init__(self) -> None:
        count = self.population
        if count is not None and not (is_count(count) and count >= _LEAST_POPULATION):
            raise DgnamError(f"population {count}: CMA-ES takes {_LEAST_POPULATION} to {MOST}")
        if not (math.isfinite(self.sigma) and self.sigma > 0):
            raise DgnamError(f"sigma {self.sigma} must be positive")

    def begin(self, origin: Origin) -> _Cma:
        if origin.size < 2:
            raise DgnamError("CMA-ES takes codes of at least two numbers")
        return _Cma(self, origin)


class _Cma:
    """The package's strategy, which minimises, as ours."""

    def __init__(self, settings: CmaEs, origin: Origin):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it misses matplotlib's pictures of its own, which nobody asks for
            cma = optional_module("cma", "the method 'cma'", "cma")
        mean = np.zeros(origin.size) if origin.codes is None else origin.codes.mean(0)
        options: dict[str, Any] = {
            "CMA_diagonal": True,
            "seed": np.nan,  # it would seed NumPy's global state
            "randn": np.random.RandomState(origin.seed).randn,
            "verbose": -9,
            "verb_log": 0,
            "verb_disp": 0,
        }
        if settings.population is not None:
            options["popsize"] = settings.population
        if np.isfinite(origin.lower).any() or np.isfinite(origin.upper).any():
            options["bounds"] = [origin.lower, np.maximum(origin.upper, origin.lower + _LEAST_WIDTH)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            first = np.clip(mean, origin.lower, origin.upper)
            self._strategy = cma.CMAEvolutionStrategy(first, settings.sigma, options)
        self._asked: list[np.ndarray] = []

    def ask(self) -> np.ndarray:
        self._asked = self._strategy.ask()
        return np.array(self._asked)

    def tell(self, scores: np.ndarray) -> None:
        # A lost trial counts as a median one, whose weight is about 0: it neither draws the mean nor repels it.
        scores = np.where(np.isnan(scores), np.nanmedian(scores), scores)
        with warnings.catch_warnings():  # of the package's own checks, which a flat or noisy score may meet
            warnings.simplefilter("ignore")
            self._strategy.tell(self._asked, (-scores).tolist())

    def mean(self) -> np.ndarray:
        """The distribution's mean, which no single measurement decides."""
        repair = self._strategy.boundary_handler.repair
        return np.array(self._strategy.gp.pheno(self._strategy.mean, into_bounds=repair))
