"""Whole numbers in records: short, and read back as they were."""

import numpy as np
import pytest

from dgnam.runs.ranges import from_ranges, in_ranges, to_ranges


@pytest.mark.parametrize(
    ("numbers", "listed"),
    [
        ([], []),
        ([7], [7]),
        ([0, 1], [0, 1]),
        ([0, 1, 2], ["0-2"]),
        ([7, 0, 1, 2, 3, 3, 9, 8], [7, "0-3", 3, 9, 8]),
        (range(200_000), ["0-199999"]),
        (range(0, 6, 2), [0, 2, 4]),
        (np.arange(3, 9), ["3-8"]),
        ([-2, -1, 0, 1, 2, 3], [-2, -1, "0-3"]),
    ],
)
def test_numbers_are_listed_and_read_back(numbers, listed):
    assert to_ranges(numbers) == listed
    assert [number for part in from_ranges(listed) for number in part] == list(numbers)


@pytest.mark.parametrize(
    "part", ["3", "5-3", "-1-4", "a", "", "1-2-3", True, 1.5, None, [1], "9" * 30 + "-" + "9" * 31]
)
def test_what_is_no_number_is_an_error(part):
    with pytest.raises((ValueError, TypeError)):
        list(from_ranges([part]))


def test_an_earlier_versions_list_is_the_same():
    was = {"seeds": [0, 1, 2, 3], "size": [2, 2], "objectives": ["fc8:0"], "deep": [{"seeds": [4, 5, 6]}]}
    now = {"seeds": ["0-3"], "size": [2, 2], "objectives": ["fc8:0"], "deep": [{"seeds": ["4-6"]}]}
    assert in_ranges(was) == now == in_ranges(now)


def test_a_hostile_range_takes_no_memory():
    assert in_ranges({"seeds": ["0-999999999999999999"]}) == {"seeds": ["0-999999999999999999"]}
