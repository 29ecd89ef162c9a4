"""The genetic algorithm of XDream on codes.

Ponce et al. 2019 (Cell 177, 999-1009) evolved fc6 codes of the published generator for neurons in monkey cortex; see
also Xiao & Kreiman 2020 (PLOS Computational Biology 16, e1007973).

A generation consists of the best codes of the last one, unchanged (and scored again, since a neuron's response is
noisy), and of children.  A child takes each number from one of two parents; some numbers then mutate by Gaussian noise.
Parents are drawn with probabilities that grow with exp(score).  A code whose trial was lost has no children.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...errors import DgnamError
from .method import MOST, Origin, is_count

_OUTLIER = 95
"""Scores above this percentile of their generation are lowered to it, so that no single response dominates (XDream)."""

_LEAST_TEMPERATURE = 1e-8


@dataclass(frozen=True)
class Genetic:
    """The settings; `xdream()` has the published ones, the mutation by default is ours.

    population: codes in a generation (20: XDream).
    elite: number of best codes kept (1: XDream's example; Ponce et al. keep more).
    selectivity: a parent's probability is proportional to exp(score / (standard deviation / selectivity)) (2: XDream).
    heritability: share of a child's numbers from the first parent (0.5: XDream).
    mutation_rate, mutation_size: share of numbers that mutate, and standard deviation of the change.  Rare and large
        mutations suit codes clipped to an act_range of 12 on average, with most numbers near 0.
    """

    name: ClassVar[str] = "genetic"
    population: int = 20
    elite: int = 1
    selectivity: float = 2.0
    heritability: float = 0.5
    mutation_rate: float = 0.1
    mutation_size: float = 4.0

    def __post_init__(self) -> None:
        allowed = {
            "population": is_count(self.population) and self.population >= 2,
            "elite": isinstance(self.elite, int | np.integer) and 0 <= self.elite < self.population,
            "selectivity": 0 < self.selectivity < np.inf,
            "heritability": 0 <= self.heritability <= 1,
            "mutation_rate": 0 <= self.mutation_rate <= 1,
            "mutation_size": 0 < self.mutation_size < np.inf,
        }
        for name, fine in allowed.items():
            if not fine:
                raise DgnamError(
                    f"{name} {getattr(self, name)}: a population of 2 to {MOST}, 0 ≤ elite < population, positive "
                    "selectivity and mutation_size, heritability and mutation_rate of 0 to 1"
                )

    @classmethod
    def xdream(cls) -> Genetic:
        """The settings of XDream's published experiment (willwx/XDream, examples/experiment.py)."""
        return cls(mutation_rate=0.5, mutation_size=0.5)

    def begin(self, origin: Origin) -> _Population:
        if origin.codes is not None and len(origin.codes) > self.population:
            raise DgnamError(f"{len(origin.codes)} start codes are more than the population of {self.population}")
        return _Population(self, origin)


class _Population:
    """The codes of the current generation, and the random state."""

    def __init__(self, settings: Genetic, origin: Origin):
        self.settings, self.origin = settings, origin
        self.random = np.random.RandomState(origin.seed)
        if origin.codes is None:
            drawn = self.random.normal(0, 1, (settings.population, origin.size))
            self.codes = np.clip(drawn, origin.lower, origin.upper)
        else:
            alike = np.full(len(origin.codes), 1 / len(origin.codes))
            children = self._children(origin.codes, alike, settings.population - len(origin.codes))
            self.codes = np.concatenate([origin.codes, children])
        self._mean = self.codes.mean(0)

    def ask(self) -> np.ndarray:
        return self.codes.copy()

    def mean(self) -> np.ndarray:
        """What a child is on average before it mutates: the parents' mean, each by its probability."""
        return self._mean.copy()

    def tell(self, scores: np.ndarray) -> None:
        order = np.argsort(-scores, kind="stable")[: np.isfinite(scores).sum()]  # NaN come last
        parents, fitness = self.codes[order], self._fitness(scores[order])
        kept = parents[: self.settings.elite]
        self.codes = np.concatenate([kept, self._children(parents, fitness, len(self.codes) - len(kept))])
        self._mean = fitness @ parents

    def _fitness(self, scores: np.ndarray) -> np.ndarray:
        """(n,): probability of each code to be a parent."""
        cut = np.minimum(scores, np.percentile(scores, _OUTLIER))
        with np.errstate(over="ignore"):  # of scores near the limit of float64; all are then equal
            temperature = max(float(cut.std()) / self.settings.selectivity, _LEAST_TEMPERATURE)
        fitness = np.exp((cut - cut.max()) / temperature)
        return fitness / fitness.sum()

    def _children(self, parents: np.ndarray, fitness: np.ndarray, count: int) -> np.ndarray:
        """(count, n): children of two parents each, with mutations."""
        first, second = (parents[self.random.choice(len(parents), count, p=fitness)] for _ in range(2))
        children = np.where(self.random.random_sample(first.shape) < self.settings.heritability, first, second)
        mutates = self.random.random_sample(first.shape) < self.settings.mutation_rate
        children = children + mutates * self.random.normal(0, self.settings.mutation_size, first.shape)
        return np.clip(children, self.origin.lower, self.origin.upper)
