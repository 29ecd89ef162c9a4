"""Only the center changes, or changes most."""

import pytest
import torch

from dgnam.am import CenterBias, CenterOnly
from dgnam.errors import DgnamError
from tests.am.regularizers.images import at


def test_gradient_is_0_within_the_margin():
    ones = torch.ones(2, 3, 227, 227)
    kept = CenterOnly().mask(ones, at(0))
    assert (kept[:, :, 50:177, 50:177] == 1).all()
    assert kept.sum() == 2 * 3 * 127**2


def test_margin_is_a_part_of_each_side():
    ones = torch.ones(1, 1, 10, 20)
    kept = CenterOnly(0.2).mask(ones, at(0))[0, 0]
    assert kept.sum() == 6 * 12
    assert kept[2, 4] == kept[7, 15] == 1


@pytest.mark.parametrize("margin", [-0.1, 0.5, float("nan")])
def test_margin_out_of_range_raises(margin):
    with pytest.raises(DgnamError, match="margin"):
        CenterOnly(margin)


def test_center_bias_grows_from_center_to_corners():
    gradient = CenterBias(1).penalty_gradient(torch.ones(1, 1, 5, 5))[0, 0]
    assert gradient[2, 2] == 0
    assert gradient[0, 0] == gradient[4, 0] == -2
    assert -2 < gradient[2, 0] < 0
