"""Pictures of two methods compared at equal activation: each method's search is also ended early, and pictures paired.

A method that reaches more in the same number of steps has had more of the search, not only another prior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dgnam.errors import ArrayError
from dgnam.measure.statistics import Estimate

from .context import Context
from .pictures import Pictures

LENGTHS = (12, 25, 50, 100)
"""Steps of the shorter searches; the step size falls to its end in each."""

EQUAL = 0.1
"""Activations are equal that differ by no more than this share of the greater one."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """A picture of each method for each unit and seed, of those units that have pairs of equal activation.

    share: of all units that have them, from each seed; the others are left out.
    """

    ours: Pictures
    theirs: Pictures
    share: float


def searches(context: Context, step: str, whole: Pictures, **options: Any) -> list[Pictures]:
    """The whole search of a step and shorter ones, each a step of its own; `options` as of `Context.synthesize`.

    At smoke scale, where all searches have the same few steps, one shorter search does.
    """
    lengths = LENGTHS if context.size.steps is None else LENGTHS[:1]
    return [*(context.synthesize(f"{step}_{n}", n_iters=n, **options) for n in lengths), whole]


def pair(ours: Sequence[Pictures], theirs: Sequence[Pictures]) -> Pairs:
    """For each unit and seed those two pictures of equal activation that reach most.

    ours, theirs: the searches of each method, of the same units and seeds.
    """
    a, b = (np.stack([one.measured for one in searched]) for searched in (ours, theirs))
    shape = (len(a), len(b), *a.shape[1:])
    first, second = np.broadcast_to(a[:, None], shape), np.broadcast_to(b[None], shape)
    apart = np.abs(first - second) / np.maximum(np.maximum(np.abs(first), np.abs(second)), np.finfo(np.float32).tiny)
    equal = apart <= EQUAL
    worth = np.where(equal, np.minimum(first, second), -np.inf)
    i, j = np.unravel_index(worth.reshape(-1, *shape[2:]).argmax(0), shape[:2])
    paired = equal.any((0, 1)).all(1)
    units = [unit for unit, there in zip(ours[0].units, paired, strict=True) if there]
    return Pairs(_chosen(ours, i).of_units(units), _chosen(theirs, j).of_units(units), float(paired.mean()))


def unpaired(*, level: float) -> Estimate:
    """A part that no pair of equal activation is there for."""
    raise ArrayError("no units have pictures of equal activation")


def _chosen(searched: Sequence[Pictures], which: np.ndarray) -> Pictures:
    """Of each unit and seed the picture of search `which` (units, seeds)."""
    images, whole = np.stack([one.by_unit(one.images) for one in searched]), searched[-1]
    units, seeds = np.indices(which.shape)
    measured = np.stack([one.measured for one in searched])[which, units, seeds]
    return replace(whole, images=images[which, units, seeds].reshape(whole.images.shape), activations=measured)
