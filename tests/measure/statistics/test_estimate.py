"""Estimates and their level."""

import numpy as np
import pytest

from dgnam.errors import ArrayError
from dgnam.measure.statistics import Estimate
from dgnam.measure.statistics.estimate import check_level


@pytest.mark.parametrize("level", [0, 1, -0.1, 95, float("nan")])
def test_a_level_is_between_0_and_1(level):
    check_level(0.01)
    check_level(0.99)
    with pytest.raises(ArrayError, match="give a share between 0 and 1"):
        check_level(level)


def test_an_estimate_in_words_and_for_json():
    assert str(Estimate(0.5, 0.25, 0.75, 100, 0.95)) == "0.5 [0.25, 0.75] (95%, n = 100)"
    assert Estimate(1, 0, np.inf, 3, 0.9).as_dict() == {"value": 1, "low": 0, "high": None, "n": 3, "level": 0.9}
