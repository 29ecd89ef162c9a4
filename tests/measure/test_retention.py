"""Retention of two units."""

import numpy as np
import pytest

from dgnam.errors import ArrayError
from dgnam.measure import least_retained
from dgnam.measure.statistics import decide, proportion


def test_retention_by_hand():
    assert least_retained([5, 10, -2], [10, 10, 4], [8, 5, 3], [10, 20, 3]).tolist() == [0.5, 0.25, -0.5]


def test_a_planted_retention_is_found():
    draw = np.random.default_rng(0)
    alone = draw.uniform(5, 50, (2, 100))
    both, one = alone * 0.7, alone * np.array([[0.95], [0.1]])
    kept = [proportion(least_retained(x[0], alone[0], x[1], alone[1]) > 0.5) for x in (both, one)]
    assert [decide(share, above=0.5).outcome for share in kept] == ["holds", "fails"]


def test_units_that_do_not_fire_alone():
    with pytest.raises(ArrayError, match="second_alone: -1 at 1; a share of it needs an activation above 0"):
        least_retained([1, 1], [1, 1], [1, 1], [1, -1])
    with pytest.raises(ArrayError, match="lengths differ"):
        least_retained([1], [1, 1], [1, 1], [1, 1])
