"""How well pictures are named, by people or by networks, between chance and what is possible (M8)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArrayError
from .arrays import labels, number, per_unit, same_length
from .statistics.bootstrap import bootstrap, ratio_of_means
from .statistics.estimate import Estimate


def above_chance(accuracy: Any, chance: float, ceiling: Any) -> Any:
    """(accuracy - chance) / (ceiling - chance): 0 at chance, 1 at the ceiling; numbers or arrays of one shape."""
    return (np.asarray(accuracy) - chance) / (np.asarray(ceiling) - chance)


def normalized_accuracy(correct: Any, ceiling: Any, chance: float, *, paired: bool = False, **options: Any) -> Estimate:
    """`above_chance` of two groups of units, with the bootstrap interval of both.

    correct: (U,) or (U, S), whether each picture was named right.
    ceiling: (V,) or (V, R), the same for real pictures or reconstructions.
    chance: the accuracy of a guess.
    paired: row i of both is the same unit, drawn together.

    A ceiling that is not surely above chance, by the interval over its own units, is an error.  So are units that are
    all alike, as where nothing was named right: resamples would have the ceiling's width alone.
    """
    ours, best = per_unit(correct, "correct"), per_unit(ceiling, "ceiling")
    guessed = number(chance, "chance")
    if np.ptp(ours) == 0:
        raise ArrayError(f"correct: {ours[0]:g} in each unit, of which resamples give no interval")
    if best.mean() <= guessed:
        raise ArrayError(f"ceiling: an accuracy of {best.mean():g} is no better than chance, {guessed:g}")
    sure = bootstrap(np.mean, best, **options)
    if sure.low <= guessed:
        raise ArrayError(f"ceiling: an accuracy of {sure} is not surely better than chance, {guessed:g}")
    return bootstrap(
        lambda a, b, axis: ratio_of_means(a, b, 1.0, axis), ours - guessed, best - guessed, paired=paired, **options
    )


def cohens_kappa(first: Any, second: Any, **options: Any) -> Estimate:
    """How far two raters agree beyond chance, over N pictures: 1 always, 0 as by chance, below 0 less than that.

    J. Cohen: A coefficient of agreement for nominal scales. Educational and Psychological Measurement 1960.

    first, second: (N,) labels of any kind, such as names; an empty name is a label too.
    options: of `bootstrap`, over pictures.
    """
    a, b = labels(first, "first"), labels(second, "second")
    same_length(first=a, second=b)
    names, places = np.unique(np.concatenate([a, b]), return_inverse=True)
    if len(names) < 2:
        raise ArrayError(f"both raters give the one label {names[0] if len(names) else '(none)'} throughout")
    codes = places.astype(np.float64)

    def kappa(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
        agreed = (x == y).mean(axis)
        expected = sum(((x == k).mean(axis) * (y == k).mean(axis) for k in range(len(names))), np.zeros(agreed.shape))
        return np.asarray((agreed - expected) / (1 - expected))

    return bootstrap(kappa, codes[: len(a)], codes[len(a) :], paired=True, **options)
