"""Diversity of a unit's pictures."""

import numpy as np
import pytest

from dgnam.errors import ArrayError
from dgnam.measure import diversity_ratio, mean_pairwise_distance, vendi_score


def test_mean_pairwise_distance_by_hand():
    assert mean_pairwise_distance([[[0, 0], [3, 4], [0, 0]]]).tolist() == pytest.approx([10 / 3])


def test_a_planted_ratio_is_found():
    draw = np.random.default_rng(0)
    real, synthetic = draw.normal(size=(50, 8, 64)), 0.3 * draw.normal(size=(50, 8, 64)) + draw.normal(size=(50, 1, 64))
    found = diversity_ratio(synthetic, real)
    assert found.shape == (50,)
    assert found.mean() == pytest.approx(0.3, rel=0.03)
    assert diversity_ratio(draw.normal(size=(50, 8, 64)), real).mean() == pytest.approx(1, rel=0.03)
    assert (diversity_ratio(np.ones((50, 8, 64)), real) == 0).all()


def test_vendi_counts_what_differs():
    assert vendi_score(np.eye(7)) == pytest.approx(7)
    assert vendi_score(np.ones((7, 3))) == pytest.approx(1)
    assert vendi_score(np.repeat(np.eye(3), 4, 0)) == pytest.approx(3)
    assert vendi_score(5 * np.eye(7)) == pytest.approx(7)


def test_vendi_of_near_copies_is_between():
    draw = np.random.default_rng(1)
    rows = np.repeat(np.eye(4, 30), 5, 0) + 0.02 * draw.normal(size=(20, 30))
    assert 4 < vendi_score(rows) < 5


def test_bad_arguments():
    with pytest.raises(ArrayError, match="two pictures a unit or more"):
        mean_pairwise_distance(np.ones((3, 1, 2)))
    with pytest.raises(ArrayError, match="the pictures of unit 1 have equal features"):
        diversity_ratio(np.ones((2, 2, 1)), [[[0], [1]], [[1], [1]]])
    with pytest.raises(ArrayError, match="row 1 is 0 and has no cosine"):
        vendi_score([[1, 0], [0, 0]])
