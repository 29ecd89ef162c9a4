"""The best codes of a search: how they are ranked, and how many are kept."""

import numpy as np

from dgnam.am.evolve.top import TopCodes

CODES = np.arange(8, dtype=np.float32).reshape(4, 2)


def test_a_code_scored_several_times_counts_by_its_mean():
    top = TopCodes(10)
    top.add(CODES, np.array([0.0, 90, 50, 10]), 0)
    top.add(CODES[[1, 3]], np.array([4.0, 90]), 1)
    assert [(one.score, one.generation, one.index) for one in top.first(9)] == [
        (50, 0, 2),
        (50, 0, 3),
        (47, 0, 1),
        (0, 0, 0),
    ]
    assert (top.first(1)[0].code == CODES[2]).all()
    assert repr(top.first(1)[0]) == "<Best: score 50, generation 0, index 2>"


def test_only_so_many_are_kept_and_lost_trials_never():
    top = TopCodes(2)
    top.add(CODES, np.array([3.0, np.nan, 1, 2]), 0)
    assert [one.index for one in top.first(9)] == [0, 3]
    top.add(CODES[1:2], np.array([9.0]), 5)
    assert [(one.index, one.generation) for one in top.first(9)] == [(0, 5), (0, 0)]
    assert top.first(0) == []


def test_what_is_given_back_is_a_copy():
    top = TopCodes(2)
    top.add(CODES.copy(), np.array([3.0, 4, 1, 2]), 0)
    top.first(1)[0].code[:] = 7
    assert (top.first(1)[0].code == CODES[1]).all()
