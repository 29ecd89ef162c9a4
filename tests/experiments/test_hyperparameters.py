"""How far a setting is behind the best one, which isn't known beforehand."""

import numpy as np
import pytest

from dgnam.experiments.sec2_hyperparameters import behind_the_best


@pytest.mark.parametrize("ahead", [1.0, -1.0])
def test_a_setting_is_set_against_the_one_that_is_farthest_ahead(ahead):
    draw = np.random.default_rng(0)
    ours = draw.normal(size=(50, 2))
    others = [ours - ahead + draw.normal(0, 0.1, ours.shape), ours - 3]
    found = behind_the_best(ours, others, level=0.95)
    assert found.value == pytest.approx(-ahead, abs=0.05)
    assert found.low < -ahead < found.high < found.low + 0.1


def test_another_that_is_as_good_may_be_ahead():
    """That a setting has the greatest mean doesn't make it the best beyond doubt."""
    ours, other = np.random.default_rng(1).normal(size=(2, 40, 1))
    ours += other.mean() - ours.mean() + 0.01
    found = behind_the_best(ours, [other, ours - 5], level=0.95)
    assert found.value == pytest.approx(-0.01)
    assert found.high > 0.2


def test_one_that_is_surely_ahead_counts_beside_one_that_may_be_farther():
    draw = np.random.default_rng(2)
    ours = draw.normal(size=(40, 1))
    found = behind_the_best(ours, [ours + draw.normal(0.3, 0.1, ours.shape), 5 * draw.normal(size=(40, 1))], level=0.95)
    assert 0.2 < found.low < 0.3 < found.high
    assert found.test(0.05, "two-sided") < 0.01


def test_the_best_of_several_must_be_farther_ahead_than_a_single_one():
    draw = np.random.default_rng(3)
    ours = draw.normal(size=(30, 1))
    other = ours + draw.normal(0.3, 0.8, ours.shape)
    one, several = (behind_the_best(ours, [other] * count, level=0.95) for count in (1, 4))
    assert several.low < one.low
    assert several.high == one.high
    assert several.test(0.0, "greater") == pytest.approx(4 * one.test(0.0, "greater"))
    assert several.test(1.0, "less") == one.test(1.0, "less")
