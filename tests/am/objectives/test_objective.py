"""Sums and multiples of objectives."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch

from dgnam.am import Channel, Direction, Unit, WeightedSum
from dgnam.am.objectives.objective import check_unit_index
from dgnam.errors import DgnamError


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


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -float("inf"), np.float32("nan")])
def test_weights_are_finite(weight):
    with pytest.raises(DgnamError, match=f"weight {float(weight)} of fc8:3: give a finite number"):
        weight * Unit("fc8", 3)
    with pytest.raises(DgnamError, match="give a finite number"):
        WeightedSum(((weight, Unit("fc8", 3)),))


def test_numpys_numbers_are_weights():
    assert np.float32(0.5) * Unit("fc8", 3) == Unit("fc8", 3) * np.int64(1) / 2


def test_division_by_zero_raises():
    with pytest.raises(DgnamError, match="fc8:3 / 0: give a divisor other than 0"):
        Unit("fc8", 3) / 0


@pytest.mark.parametrize("wrong", [lambda a: a + 1, lambda a: a * a, lambda a: a * "2", lambda a: a - 3])
def test_what_does_not_add_or_multiply(wrong):
    with pytest.raises(TypeError):
        wrong(Unit("fc8", 3))


def test_a_python_sum_and_differences():
    a, b = Unit("fc8", 1), Unit("fc8", 2)
    assert sum([a, b]).terms == ((1.0, a), (1.0, b))
    assert (a - 2 * b).terms == ((1.0, a), (-2.0, b))
    assert (-a).terms == ((-1.0, a),)
    assert (a / 4).terms == ((0.25, a),)
    assert (a + 0) is a
    assert str(-0.5 * a + b) == "-0.5*fc8:1+1*fc8:2"
    assert str((1 / 3) * a) == f"{1 / 3!r}*fc8:1"
    assert a.together is False


def test_units_of_a_layer_by_number():
    for index, units, wrong in ((0, 1, False), (2, 3, False), (3, 3, True), (-1, 3, True), (0, 0, True)):
        with pytest.raises(DgnamError) if wrong else nullcontext():
            check_unit_index(Unit("fc8", 1), index, units)


def test_a_magnitude_is_of_what_is_added_up():
    values = torch.tensor([[-3.0, 2.0]])
    assert Unit("fc8", 0).magnitude(values).tolist() == [3]
