"""Bootstrap intervals over units: planted differences are found, and the units are what counts."""

import warnings

import numpy as np
import pytest
import torch

from dgnam.errors import ArrayError, DgnamError
from dgnam.measure.statistics import Estimate, bootstrap, mean, mean_difference, unit_means


def units_with_seeds(draw, units, seeds, between, within, center=0.0):
    """(units, seeds): unit means deviate by `between`, seeds by `within`."""
    return center + draw.normal(0, between, (units, 1)) + draw.normal(0, within, (units, seeds))


def test_mean_interval_has_the_known_width():
    values = np.random.default_rng(0).normal(3, 2, 400)
    found = mean(values)
    assert found.value == values.mean()
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std(ddof=1) / 20, rel=0.05)
    assert found.n == 400


def test_a_planted_difference_is_found_and_none_where_none_is():
    draw = np.random.default_rng(1)
    base = draw.normal(0, 5, (150, 1))
    first, second = base + draw.normal(0.5, 1, (150, 3)), base + draw.normal(0, 1, (150, 3))
    gain = mean_difference(first, second)
    assert gain.low > 0.3
    assert gain.high < 0.7
    none = mean_difference(base + draw.normal(0, 1, (150, 3)), second)
    assert none.low < 0 < none.high


def test_seeds_do_not_count_as_units():
    draw = np.random.default_rng(2)
    values = units_with_seeds(draw, 40, 50, between=1, within=0.1)
    alone = mean(values.ravel())
    clustered = mean(values)
    assert clustered.n == 40
    assert clustered.high - clustered.low > 5 * (alone.high - alone.low)


def test_intervals_cover_the_truth_as_often_as_they_say():
    draw = np.random.default_rng(3)
    hits = 0
    for _ in range(300):
        values = units_with_seeds(draw, 22, 8, between=1, within=2, center=0.7)
        found = mean(values, resamples=1000)
        hits += found.low <= 0.7 <= found.high
    assert 0.91 <= hits / 300 <= 0.98


def test_pairing_removes_what_units_share():
    draw = np.random.default_rng(4)
    base = draw.normal(0, 10, 100)
    first, second = base + 1 + draw.normal(0, 0.1, 100), base
    paired, apart = mean_difference(first, second), mean_difference(first, second, paired=False)
    assert paired.value == pytest.approx(apart.value)
    assert apart.high - apart.low > 20 * (paired.high - paired.low)


def test_two_groups_of_other_sizes():
    draw = np.random.default_rng(5)
    found = mean_difference(draw.normal(1, 1, 100), draw.normal(0, 1, 22), paired=False)
    assert found.n == 22
    assert found.low < 1 < found.high
    assert found.low > 0


def test_the_seed_decides_the_interval():
    values = np.random.default_rng(6).exponential(size=30)
    assert mean(values) == mean(values)
    assert mean(values, seed=1) != mean(values)


def test_a_level_of_90_is_narrower():
    values = np.random.default_rng(7).normal(size=50)
    wide, narrow = mean(values), mean(values, level=0.90)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_any_statistic_of_paired_samples():
    """The best of three settings, chosen anew in each resample."""
    draw = np.random.default_rng(8)
    samples = [draw.normal(center, 0.2, 100) for center in (0.0, 1.0, 0.2)]
    found = bootstrap(lambda *rows, axis: np.max([row.mean(axis) for row in rows], axis=0), *samples, paired=True)
    assert found.low < 1 < found.high


def test_equal_units_give_their_value():
    assert mean(np.ones(20)) == Estimate(1.0, 1.0, 1.0, 20)


def test_unit_means_weigh_units_equally():
    means = unit_means([1, 3, 10, 20, 30, 40], ["b", "b", "a", "a", "a", "a"])
    assert means.tolist() == [25, 2]


def test_tensors_and_flags_are_numbers():
    flags = torch.tensor([[True, False], [True, True], [False, False]])
    assert mean(flags).value == 0.5
    assert mean(torch.arange(4.0, requires_grad=True)).value == 1.5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0], "two units or more"),
        ([], "empty"),
        ([1.0, np.nan], r"values: nan at \(1,\)"),
        ([1.0, np.inf, 2.0], "all 3 values must be finite"),
        (np.zeros((2, 2, 2)), "1 or 2 dimensions are needed"),
        (["a", "b"], "numbers are needed"),
        ([[1.0], [1.0, 2.0]], "rows of different lengths"),
    ],
)
def test_values_that_cannot_be_used(values, message):
    with pytest.raises(ArrayError, match=message):
        mean(values)


def test_other_bad_arguments():
    with pytest.raises(ArrayError, match="lengths differ: first 3, second 2"):
        mean_difference([1, 2, 3], [1, 2])
    with pytest.raises(DgnamError, match=r"level 95"):
        mean([1.0, 2.0, 3.0], level=95)
    with pytest.raises(DgnamError, match="resamples 0"):
        mean([1.0, 2.0, 3.0], resamples=0)
    with pytest.raises(ArrayError, match="lengths differ"):
        unit_means([1.0, 2.0], ["a"])


def test_values_that_are_all_alike_warn_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = bootstrap(np.mean, np.full(8, 3.0))
    assert (found.low, found.high) == (3, 3)


@pytest.mark.parametrize(("resamples", "level", "least"), [(1, 0.95, 40), (39, 0.95, 40), (19, 0.90, 20)])
def test_fewer_resamples_than_an_interval_needs(resamples, level, least):
    with pytest.raises(DgnamError, match=f"resamples {resamples} must be at least {least}"):
        mean([1.0, 2.0, 3.0], resamples=resamples, level=level)
    assert mean([1.0, 2.0, 3.0], resamples=least, level=level).low < 2


def test_seeds_are_whole_numbers_from_0_on():
    for seed in (-1, 0.5, "x", None):
        with pytest.raises(DgnamError, match="seed"):
            mean([1.0, 2.0, 3.0], seed=seed)
