"""What all strategies have in common."""

import pytest

from dgnam.am.evolve.method import MOST, is_count


@pytest.mark.parametrize(("value", "counts"), [(0, False), (1, True), (MOST, True), (MOST + 1, False), (2.0, False)])
def test_numbers_that_a_population_may_have(value, counts):
    assert is_count(value) == counts
