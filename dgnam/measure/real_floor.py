"""What a distance of two sets of pictures comes to for real pictures and other real ones (M2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..am.checks import whole_number
from ..errors import ArrayError
from .arrays import Floats, features, labels, random_generator, same_length


def balanced_rows(classes: Any, per_class: int, *, seed: int = 0) -> np.ndarray:
    """Places, ascending, of `per_class` random rows of each class, so that sets compared have equal numbers of each.

    classes: (N,) labels.
    """
    names = labels(classes, "classes")
    count = whole_number("per_class", per_class, 1)
    draw, chosen = random_generator(seed), []
    for label in np.unique(names):
        places = np.flatnonzero(names == label)
        if len(places) < count:
            raise ArrayError(f"class {label} has {len(places)} rows, and {count} of each were asked for")
        chosen.append(draw.permutation(places)[:count])
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, np.intp)


def floor_of_real(
    distance: Callable[[Floats, Floats], float],
    real: Any,
    n: int,
    *,
    classes: Any = None,
    repeats: int = 20,
    seed: int = 0,
) -> Floats:
    """A distance (repeats,) of two random sets of n real pictures each that share none.

    distance: such as `frechet_distance` or `mmd2`.
    real: features (R, d) of at least 2n pictures.
    n: the number of pictures in the sets whose distance stands beside this floor.
    classes: (R,) labels; then both sets have equally many pictures of each class, and n is a multiple of the classes.
    """
    rows, n = features(real, "real"), whole_number("n", n, 2)
    names = np.zeros(len(rows), np.intp) if classes is None else labels(classes, "classes")
    same_length(real=rows, classes=names)
    count = len(np.unique(names))
    if n % count:
        raise ArrayError(f"n {n}: give a multiple of the {count} classes")
    found = np.empty(whole_number("repeats", repeats, 1))
    for place, stream in enumerate(random_generator(seed).integers(2**32, size=len(found))):
        both = balanced_rows(names, 2 * n // count, seed=int(stream))
        first = both[balanced_rows(names[both], n // count, seed=int(stream))]
        found[place] = distance(rows[first], rows[np.setdiff1d(both, first)])
    return found
