"""Ranks of the own entry."""

import numpy as np
import pytest

from dgnam.errors import ArrayError
from dgnam.measure import retrieval_ranks


def test_ranks_by_hand():
    assert retrieval_ranks([[1, 0], [0, 1], [1, 1]], [[2, 0], [9, 1], [0, 5]]).tolist() == [1, 2, 3]


def test_a_planted_match_is_found_and_none_comes_to_chance():
    draw = np.random.default_rng(0)
    gallery = draw.normal(size=(50, 32))
    assert (retrieval_ranks(gallery + draw.normal(size=gallery.shape), gallery) == 1).mean() > 0.8
    chance = [retrieval_ranks(draw.normal(size=gallery.shape), gallery) for _ in range(40)]
    assert np.mean(chance) == pytest.approx(25.5, abs=2)
    assert (np.array(chance) == 1).mean() == pytest.approx(0.02, abs=0.012)


def test_equal_entries_count_against_the_own_one():
    assert retrieval_ranks([[1, 0], [1, 0]], [[1, 0], [1, 0]]).tolist() == [2, 2]


def test_bad_arguments():
    with pytest.raises(ArrayError, match="lengths differ: queries 2, gallery 1"):
        retrieval_ranks([[1, 0], [1, 0]], [[1, 0]])
    with pytest.raises(ArrayError, match="queries: row 0 is 0 and has no cosine"):
        retrieval_ranks([[0, 0]], [[1, 0]])
