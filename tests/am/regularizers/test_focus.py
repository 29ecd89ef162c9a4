"""The middle alone moves (the soft bias is among the penalties)."""

import pytest
import torch

from dgnam.am import CentreOnly, Moment
from dgnam.errors import DgnamError


def test_gradient_is_0_within_the_margin():
    ones = torch.ones(2, 3, 227, 227)
    kept = CentreOnly().masked(ones, Moment(0, ones))
    assert (kept[:, :, 50:177, 50:177] == 1).all()
    assert kept.sum() == 2 * 3 * 127**2


def test_margin_is_a_part_of_each_side():
    ones = torch.ones(1, 1, 10, 20)
    kept = CentreOnly(0.2).masked(ones, Moment(0, ones))[0, 0]
    assert kept.sum() == 6 * 12
    assert kept[2, 4] == kept[7, 15] == 1


@pytest.mark.parametrize("margin", [-0.1, 0.5, float("nan")])
def test_margin_out_of_range_is_an_error(margin):
    with pytest.raises(DgnamError, match="margin"):
        CentreOnly(margin)
