"""Real pictures against real pictures, in equal numbers of each class."""

import numpy as np
import pytest

from dgnam.errors import ArrayError, DgnamError
from dgnam.measure import balanced_rows, floor_of_real, frechet_distance, mmd2


def test_as_many_of_each_class():
    classes = np.repeat(["a", "b", "c"], [5, 9, 30])
    chosen = balanced_rows(classes, 5)
    assert [(classes[chosen] == name).sum() for name in "abc"] == [5, 5, 5]
    assert len(set(chosen)) == 15
    assert (balanced_rows(classes, 5) == chosen).all()
    assert (balanced_rows(classes, 5, seed=1) != chosen).any()


def test_halves_share_no_picture():
    seen = []
    floor_of_real(lambda a, b: seen.append((a, b)) or 0.0, np.arange(40.0)[:, None], 15, repeats=5)
    for a, b in seen:
        assert (len(a), len(b)) == (15, 15)
        assert not set(a[:, 0]) & set(b[:, 0])
    assert len({tuple(a[:, 0]) for a, _ in seen}) == 5


def test_the_floor_of_kid_is_zero_and_that_of_frechet_is_not():
    rows = np.random.default_rng(0).normal(size=(600, 16))
    found = floor_of_real(mmd2, rows, 200)
    assert abs(found.mean()) < found.std()
    assert floor_of_real(frechet_distance, rows, 200).min() > 0.3


def test_equal_classes_lower_the_floor():
    """With classes far apart, unequal numbers of them in two random halves look like a difference."""
    draw = np.random.default_rng(1)
    classes = np.repeat(np.arange(10), 40)
    rows = 5 * draw.normal(size=(10, 8))[classes] + draw.normal(size=(400, 8))
    mixed, balanced = (
        floor_of_real(frechet_distance, rows, 100),
        floor_of_real(frechet_distance, rows, 100, classes=classes),
    )
    assert balanced.mean() < 0.7 * mixed.mean()


def test_bad_arguments():
    with pytest.raises(ArrayError, match="class 0 has 10 rows, and 12 of each"):
        floor_of_real(mmd2, np.ones((10, 2)), 6)
    with pytest.raises(ArrayError, match="n 3: give a multiple of the 2 classes"):
        floor_of_real(mmd2, np.ones((10, 2)), 3, classes=[0, 1] * 5)
    with pytest.raises(DgnamError, match="per_class 0"):
        balanced_rows([1, 2], 0)
