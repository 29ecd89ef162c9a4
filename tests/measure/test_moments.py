"""Moments: one pass, constant memory, exact."""

import numpy as np
import pytest

from dgnam.measure import RunningMoments


def of_batches(rows, sizes):
    moments = RunningMoments()
    for part in np.split(rows, np.cumsum(sizes)[:-1]):
        moments.update(part)
    return moments


@pytest.mark.parametrize("sizes", [(1000,), (1, 999), (333, 333, 334), (1,) * 50, range(60, 0, -1), range(1, 60)])
def test_batches_give_what_all_rows_at_once_give(sizes):
    rows = np.random.default_rng(1).normal(5, 2, (sum(sizes), 4))
    moments = of_batches(rows, list(sizes))
    assert moments.count == len(rows)
    np.testing.assert_allclose(moments.mean, rows.mean(0), rtol=1e-13)
    np.testing.assert_allclose(moments.std, rows.std(0), rtol=1e-13)


def test_neither_order_nor_batches_matter():
    draw = np.random.default_rng(2)
    rows = np.maximum(draw.normal(1, 10, (20_000, 6)), 0).astype(np.float32)
    exact = rows.astype(np.float64)
    for size in (1, 7, 64, 20_000):
        draw.shuffle(rows)
        moments = of_batches(rows, [*[size] * (len(rows) // size), *([len(rows) % size] if len(rows) % size else [])])
        np.testing.assert_allclose(moments.mean, exact.mean(0), rtol=1e-12)
        np.testing.assert_allclose(moments.std, exact.std(0), rtol=1e-12)


def test_a_large_mean_costs_no_digits():
    rows = 1e8 + np.random.default_rng(2).normal(0, 1, (5000, 1))
    assert of_batches(rows, [500] * 10).std[0] == pytest.approx(rows.std(), rel=1e-7)


@pytest.mark.parametrize("sizes", [[1] * 4096, list(range(500, 0, -1)), [1, 2] * 1000])
def test_no_more_is_kept_than_the_logarithm_of_the_rows(sizes):
    moments = RunningMoments()
    for size in sizes:
        moments.update(np.ones((size, 2)))
        assert len(moments._parts) <= np.log2(moments.count) + 1


def test_one_row_has_no_deviation():
    moments = of_batches(np.array([[3.0, 4.0]]), [1])
    assert moments.mean.tolist() == [3, 4]
    assert moments.std.tolist() == [0, 0]


def test_empty_batches_add_nothing_and_no_rows_are_an_error():
    moments = RunningMoments()
    moments.update(np.zeros((0, 3)))
    for question in ("std", "mean"):
        with pytest.raises(ValueError, match="no values"):
            getattr(moments, question)


def test_rows_of_another_length_are_an_error():
    moments = RunningMoments()
    moments.update(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"rows of shape \(2, 4\) can't be added; \(N, 3\) is needed"):
        moments.update(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"\(N, n\) is needed"):
        RunningMoments().update(np.zeros(3))


def test_moments_are_merged_after_those_that_are_here():
    rows = np.random.default_rng(5).normal(3, 2, (40, 3))
    one, other = of_batches(rows[:13], (5, 8)), of_batches(rows[13:], (20, 7))
    one.merge(other)
    np.testing.assert_allclose(one.mean, rows.mean(0), rtol=1e-13)
    np.testing.assert_allclose(one.std, rows.std(0), rtol=1e-13)
    assert one.count == 40
    assert [part.count for part in one._parts] == [33, 7]


def test_parts_are_merged_with_those_of_about_their_size():
    moments = RunningMoments()
    for count in (8, 4, 2, 1):
        moments.update(np.zeros((count, 1)))
    assert [part.count for part in moments._parts] == [8, 4, 2, 1]
    moments.update(np.zeros((1, 1)))
    assert [part.count for part in moments._parts] == [16]
