"""Cliff's delta."""

import numpy as np
import pytest
from scipy.stats import norm

from dgnam.measure.statistics import cliffs_delta
from dgnam.measure.statistics.cliffs_delta import _delta


def test_delta_by_hand():
    assert cliffs_delta([3, 4, 5], [1, 2, 3]).value == pytest.approx((8 - 0) / 9)
    assert cliffs_delta([1, 2], [3, 4]).value == -1
    assert cliffs_delta([1, 2, 2], [1, 2, 2]).value == 0


def test_a_planted_shift_is_found():
    draw = np.random.default_rng(0)
    truth = 2 * norm.cdf(0.8 / np.sqrt(2)) - 1
    found = cliffs_delta(draw.normal(0.8, 1, 200), draw.normal(0, 1, 200))
    assert found.low < truth < found.high
    assert found.low > 0.2


def test_none_is_found_where_there_is_none():
    draw = np.random.default_rng(1)
    hits = 0
    for _ in range(100):
        found = cliffs_delta(draw.normal(size=40), draw.normal(size=60), resamples=300)
        hits += found.low <= 0 <= found.high
    assert 0.88 <= hits / 100 <= 1


def test_order_alone_counts():
    draw = np.random.default_rng(2)
    a, b = draw.normal(0.3, 1, 50), draw.normal(0, 1, 50)
    assert cliffs_delta(a, b) == cliffs_delta(np.exp(a), np.exp(b))


def test_pairs_are_drawn_together():
    base = np.random.default_rng(3).normal(0, 1, 100)
    paired, apart = cliffs_delta(base + 0.2, base, paired=True), cliffs_delta(base + 0.2, base)
    assert paired.value == apart.value
    assert paired.low > 0 > apart.low


def test_complete_separation_has_a_finite_interval():
    found = cliffs_delta(np.arange(10, 20), np.arange(10))
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_several_samples_of_either_group_at_once():
    """As the bootstrap's resampling of one group alone has them."""
    one, several = np.array([1.0, 2, 3]), np.array([[0.0, 0], [2, 5], [9, 9]])
    wanted = [1, -0.5, -1]
    np.testing.assert_allclose(_delta(one, several), wanted)
    np.testing.assert_allclose(_delta(several, one), np.negative(wanted))
