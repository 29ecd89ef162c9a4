"""The Fréchet distance."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from dgnam.errors import ArrayError
from dgnam.measure import frechet_distance


def test_equals_the_formula_with_a_matrix_root():
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(200, 5)) @ draw.normal(size=(5, 5)), draw.normal(1, 2, (300, 5))
    c1, c2 = np.cov(a.T), np.cov(b.T)
    wanted = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real)
    assert frechet_distance(a, b) == pytest.approx(wanted)


def test_planted_shift_and_scale_have_their_sizes():
    draw = np.random.default_rng(1)
    rows = draw.normal(size=(50_000, 4))
    assert frechet_distance(rows, rows + 3) == pytest.approx(4 * 9)
    assert frechet_distance(rows, 3 * rows) == pytest.approx(4 * (3 - 1) ** 2, rel=0.05)


def test_nothing_between_a_set_and_itself():
    rows = np.random.default_rng(2).normal(size=(20, 30))  # fewer rows than features: a singular covariance
    assert frechet_distance(rows, rows) == pytest.approx(0, abs=1e-5)


def test_the_bias_that_the_floor_shows():
    draw = np.random.default_rng(3)
    few, many = (np.mean([frechet_distance(*draw.normal(size=(2, n, 16))) for _ in range(10)]) for n in (50, 1000))
    assert few > 10 * many


def test_one_feature_and_bad_arguments():
    assert frechet_distance([[0.0], [2.0]], [[1.0], [3.0]]) == pytest.approx(1)
    with pytest.raises(ArrayError, match="2 or more pictures"):
        frechet_distance([[0.0]], [[1.0], [3.0]])
    with pytest.raises(ArrayError, match="numbers of features differ"):
        frechet_distance(np.ones((3, 2)), np.ones((3, 3)))
