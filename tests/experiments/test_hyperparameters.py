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
