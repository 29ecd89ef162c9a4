"""The gradient of each penalty, by finite differences of its energy."""

import numpy as np
import pytest
import torch

from dgnam.am import CenterBias, L1Penalty, L2Penalty, NormPower, TotalVariation
from dgnam.errors import DgnamError

PENALTIES = [
    L1Penalty(0.3),
    L2Penalty(0.3),
    NormPower(0.3, 6),
    NormPower(0.3, 2.5),
    TotalVariation(0.3, 2),
    TotalVariation(0.3, 1),
    TotalVariation(0.3, 1.5),
    CenterBias(0.3),
]


def images(seed=0, shape=(2, 3, 5, 4)):
    return torch.from_numpy(np.random.RandomState(seed).standard_normal(shape))


def numerical(penalty, codes, step=1e-6):
    """-weight * d energy / d codes, by central differences, of all rows at once."""
    slope = torch.zeros_like(codes)
    for place in np.ndindex(*codes.shape):
        ends = []
        for sign in (1, -1):
            moved = codes.clone()
            moved[place] += sign * step
            ends.append(penalty.energy(moved).sum())
        slope[place] = (ends[0] - ends[1]) / (2 * step)
    return -penalty.weight * slope


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_gradient_equals_the_numerical_one(penalty):
    assert torch.allclose(penalty.penalty_gradient(images()), numerical(penalty, images()), rtol=1e-5, atol=1e-7)


def test_numerical_check_can_fail():
    class Wrong(L2Penalty):
        def penalty_gradient(self, codes):
            return -self.weight * codes  # half of what it is

    assert not torch.allclose(Wrong(0.3).penalty_gradient(images()), numerical(Wrong(0.3), images()), rtol=1e-2)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_each_row_counts_by_itself(penalty):
    codes = images(1)
    alone = torch.cat([penalty.penalty_gradient(codes[k : k + 1]) for k in range(2)])
    assert torch.allclose(penalty.penalty_gradient(codes), alone)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_gradient_is_0_at_the_zero_image(penalty):
    assert (penalty.penalty_gradient(torch.zeros(1, 3, 4, 4)) == 0).all()


@pytest.mark.parametrize(
    "make",
    [lambda: L2Penalty(-1), lambda: L1Penalty(float("nan")), lambda: NormPower(1, 1), lambda: TotalVariation(1, 0.5)],
)
def test_numbers_out_of_range_raise(make):
    with pytest.raises(DgnamError, match="must be"):
        make()
