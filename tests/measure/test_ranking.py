"""The k best of candidates that come in batches."""

import numpy as np
import pytest

from dgnam.errors import FormatError
from dgnam.measure.ranking import Ranking


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_batches_give_the_order_of_a_sort(batch):
    scores = np.random.RandomState(0).normal(0, 1, (4, 100))
    ranking = Ranking(4, 9, ("places", "doubled"))
    for first in range(0, 100, batch):
        part = scores[:, first : first + batch]
        places = np.arange(first, first + part.shape[1])
        ranking.update(part, places=places, doubled=np.tile(2 * places, (4, 1)))
    order = np.argsort(-scores, 1)[:, :9]
    assert np.array_equal(ranking.extras["places"], order)
    assert np.array_equal(ranking.extras["doubled"], 2 * order)
    assert np.array_equal(ranking.scores, np.take_along_axis(scores, order, 1))


def test_of_equal_scores_the_earlier_comes_first():
    ranking = Ranking(1, 3)
    for place in range(8):
        ranking.update(np.array([[float(place % 2)]]), places=np.array([place]))
    assert ranking.extras["places"].tolist() == [[1, 3, 5]]


def test_fewer_candidates_leave_places_empty():
    ranking = Ranking(2, 3)
    ranking.update(np.array([[1.0], [2.0]]), places=np.array([4]))
    assert ranking.extras["places"].tolist() == [[4, -1, -1], [4, -1, -1]]
    assert np.isneginf(ranking.scores[:, 1:]).all()


def test_a_state_goes_on_and_another_ones_does_not():
    ranking, again = Ranking(2, 3), Ranking(2, 3)
    ranking.update(np.random.RandomState(0).normal(0, 1, (2, 5)), places=np.arange(5))
    again.restore(ranking.arrays())
    assert np.array_equal(again.scores, ranking.scores)
    with pytest.raises(FormatError, match=r"an array \(2, 3\) 'scores', and needs \(2, 4\)"):
        Ranking(2, 4).restore(ranking.arrays())
    with pytest.raises(FormatError, match="no array 'positions'"):
        Ranking(2, 3, ("places", "positions")).restore(ranking.arrays())
