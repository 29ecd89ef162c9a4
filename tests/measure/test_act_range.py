"""The range of codes: one pass, constant memory, exact."""

import numpy as np
import pytest

from dgnam.measure import RunningMoments, act_range


@pytest.mark.parametrize("sizes", [(1000,), (1, 999), (333, 333, 334), (1,) * 50])
def test_batches_give_what_all_rows_at_once_give(sizes):
    rows = np.random.default_rng(1).normal(5, 2, (sum(sizes), 4))
    moments = RunningMoments()
    for part in np.split(rows, np.cumsum(sizes)[:-1]):
        moments.update(part)
    np.testing.assert_allclose(moments.mean, rows.mean(0), rtol=1e-12)
    np.testing.assert_allclose(moments.std, rows.std(0), rtol=1e-9)


def test_a_large_mean_costs_no_digits():
    rows = 1e8 + np.random.default_rng(2).normal(0, 1, (5000, 1))
    moments = RunningMoments()
    for part in np.split(rows, 10):
        moments.update(part)
    assert moments.std[0] == pytest.approx(rows.std(), rel=1e-6)


def test_the_bound_is_the_mean_plus_three_deviations():
    codes = np.random.default_rng(3).random((200, 5), np.float32)
    wanted = codes.mean(0) + 3 * codes.std(0)
    np.testing.assert_allclose(act_range([codes[:70], codes[70:]]), wanted, rtol=1e-5)


def test_empty_batches_add_nothing_and_no_rows_are_an_error():
    moments = RunningMoments()
    moments.update(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="no values"):
        _ = moments.std
