"""Checks of numbers and channel orders."""

import numpy as np
import pytest

from dgnam.am.checks import channel_values, check_number, finite_numbers, whole_number
from dgnam.errors import DgnamError


@pytest.mark.parametrize("value", [20, np.int64(20)])
def test_whole_number_becomes_an_int(value):
    assert type(whole_number("n", value, 1)) is int


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (20.0, "n 20.0: give a whole number"),
        (True, "n True: give a whole number"),
        ("3", "n '3': give a whole number"),
        (None, "n None"),
        (0, "n 0 must be at least 1"),
        (8, "n 8 must be at most 7"),
    ],
)
def test_other_values_raise(value, message):
    with pytest.raises(DgnamError, match=message):
        whole_number("n", value, 1, 7)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1", None, [1], 10**400])
def test_number_that_is_not_finite_raises(value):
    with pytest.raises(DgnamError, match=r"x .* must be finite"):
        check_number("x", value)


def test_limits_are_exclusive_or_inclusive():
    check_number("x", 0, least=0)
    with pytest.raises(DgnamError, match="x 0 must be above 0"):
        check_number("x", 0, above=0)


def test_one_number_stands_for_three_channels():
    assert channel_values("mean", 2) == [2, 2, 2]
    assert channel_values("mean", (1, 2, 3)) == [1, 2, 3]
    with pytest.raises(DgnamError, match=r"mean \(1, 2\): give one number"):
        channel_values("mean", (1, 2))
    with pytest.raises(DgnamError, match="not numbers"):
        finite_numbers("mean", ["a"])
