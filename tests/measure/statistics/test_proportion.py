"""Wilson intervals, of independent trials and of seeds within units."""

import numpy as np
import pytest
from scipy.stats import binomtest

from dgnam.errors import ArrayError, DgnamError
from dgnam.measure.statistics import mean, proportion, wilson


@pytest.mark.parametrize(("successes", "trials"), [(0, 200), (1, 200), (7, 22), (99, 100), (30, 30), (1, 1)])
@pytest.mark.parametrize("level", [0.95, 0.90])
def test_wilson_equals_scipys(successes, trials, level):
    found = wilson(successes, trials, level=level)
    wanted = binomtest(successes, trials).proportion_ci(level, "wilson")
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
    assert found.value == successes / trials


def test_no_event_among_two_hundred_units():
    """The upper end that the copying claim needs: 0 of 200 is below 3 %."""
    assert wilson(0, 200).high == pytest.approx(0.0188, abs=1e-4)
    assert proportion(np.zeros((200, 2), bool)).high == wilson(0, 200).high


def test_one_flag_a_unit_is_wilson():
    flags = np.arange(100) < 37
    found = proportion(flags)
    assert (found.low, found.high) == pytest.approx((wilson(37, 100).low, wilson(37, 100).high))


def test_seeds_that_agree_count_once_and_independent_ones_each():
    draw = np.random.default_rng(0)
    agree = np.repeat(draw.random((300, 1)) < 0.4, 4, axis=1)
    alone = draw.random((300, 4)) < 0.4
    width = {name: proportion(f).high - proportion(f).low for name, f in (("agree", agree), ("alone", alone))}
    share = agree.mean()
    assert width["agree"] == pytest.approx(wilson(300 * share, 300).high - wilson(300 * share, 300).low, rel=0.01)
    assert width["alone"] == pytest.approx(width["agree"] / 2, rel=0.15)


def test_seeds_that_disagree_in_each_unit_count_each():
    flags = np.tile([True, False], (30, 1))
    assert proportion(flags).high == pytest.approx(wilson(30, 60).high)
    flags[0] = True
    assert proportion(flags).high == pytest.approx(wilson(31, 60).high)


def test_the_interval_covers_the_truth_where_seeds_correlate():
    draw = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        chances = draw.beta(0.5, 2.0, (60, 1))  # mean 0.2, far apart
        found = proportion(draw.random((60, 5)) < chances)
        hits += found.low <= 0.2 <= found.high
    assert 0.92 <= hits / 400 <= 0.98


@pytest.mark.parametrize(("successes", "trials"), [(1, 0), (3, 2), (-1, 2)])
def test_impossible_counts(successes, trials):
    with pytest.raises(ArrayError, match="give one or more trials"):
        wilson(successes, trials)


def test_flags_are_yes_or_no():
    with pytest.raises(ArrayError, match="true or false is needed"):
        proportion([0.0, 0.5])


@pytest.mark.parametrize(("successes", "trials"), [("a", 3), (1, np.inf), (np.nan, 3), (1, None), ([1], 3)])
def test_counts_are_numbers(successes, trials):
    with pytest.raises(DgnamError, match="must be finite: give a number"):
        wilson(successes, trials)


@pytest.mark.parametrize("level", ["x", None, [0.95]])
def test_a_level_is_a_number(level):
    for call in (lambda: wilson(1, 3, level=level), lambda: mean([1.0, 2.0], level=level)):
        with pytest.raises(ArrayError, match="give a share between 0 and 1"):
            call()
