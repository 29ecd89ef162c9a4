"""Sums and multiples of objectives."""

import numpy as np
import pytest

from dgnam.am import Channel, Direction, Unit


def test_sums_and_multiples_are_terms_with_weights():
    a, b = Unit("fc8", 3), Channel("conv5", 1)
    assert (2 * a - b / 4 + a).terms == ((2, a), (-0.25, b), (1, a))
    assert sum([a, b]).terms == ((1, a), (1, b))
    assert (-(a + b) * 3).terms == ((-3, a), (-3, b))


def test_layers_are_each_once():
    assert (Unit("fc8", 3) + Unit("conv5", 1, 2) + Unit("fc8", 4)).layers == ("fc8", "conv5")


def test_they_are_values():
    assert Unit("fc8", 3) * 2 == 2 * Unit("fc8", 3)
    assert len({Unit("fc8", 3), Unit("fc8", 3), Channel("fc8", 3)}) == 2
    assert Direction("fc8", np.array([1, 2])) == Direction("fc8", np.array([2, 4]))


def test_text():
    assert str(2 * Unit("fc8", 3) - Unit("conv5", 4, 6)) == "2*fc8:3-1*conv5:4@6"


@pytest.mark.parametrize("wrong", [lambda a: a + 1, lambda a: a * a, lambda a: a * "2", lambda a: a - 3])
def test_what_does_not_add_or_multiply(wrong):
    with pytest.raises(TypeError):
        wrong(Unit("fc8", 3))
