"""Numbers that take the place of a prior's own."""

import pytest

from dgnam.am import Linear, Shrink, pixel_recipe, released
from dgnam.api.request import varied
from dgnam.errors import DgnamError

NOTHING = ((), (), None, (), ())


def test_a_schedule_of_one_size_keeps_to_one_size():
    base = pixel_recipe("yosinski2015", (56, 56)).settings
    (found,) = varied(base, (), (5.0,), None, (), ())
    assert found.schedule == Linear(5.0, 5.0)
    assert found.regularisation == base.regularisation
    assert varied(released(), (), (5.0,), None, (), ())[0].schedule == Linear(5.0, 1e-10)
    assert varied(base, (), (5.0,), 1.0, (), ())[0].schedule == Linear(5.0, 1.0)


def test_rules_and_phases_of_a_prior_are_not_replaced_by_the_way():
    with pytest.raises(DgnamError, match="--l2 would take the place of the prior's own rules"):
        varied(pixel_recipe("yosinski2015", (56, 56)).settings, (), (), None, (0.9,), ())
    with pytest.raises(DgnamError, match="--lr and --end-lr would take the place of the prior's phases"):
        varied(pixel_recipe("nguyen2016", (56, 56)).settings, (), (5.0,), None, (), ())
    assert varied(pixel_recipe("pixels", (56, 56)).settings, (), (), None, (0.9,), ())[0].regularisation == Shrink(0.9)


def test_nothing_given_changes_nothing():
    base = pixel_recipe("nguyen2016", (56, 56)).settings
    assert varied(base, *NOTHING) == [base]
