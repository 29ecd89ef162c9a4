"""Each penalty's gradient is that of its energy, numerically, and its energy what the paper writes."""

import numpy as np
import pytest
import torch

from dgnam.am import CentreBias, L1Penalty, L2Penalty, NormPower, TotalVariation
from dgnam.errors import DgnamError

PENALTIES = [
    L1Penalty(0.3),
    L2Penalty(0.3),
    NormPower(0.3, 6),
    NormPower(0.3, 2.5),
    TotalVariation(0.3, 2),
    TotalVariation(0.3, 1),
    TotalVariation(0.3, 1.5),
    CentreBias(0.3),
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
def test_gradient_is_the_numerical_one(penalty):
    assert torch.allclose(penalty.gradient(images()), numerical(penalty, images()), rtol=1e-5, atol=1e-7)


def test_the_numerical_check_can_fail():
    class Wrong(L2Penalty):
        def gradient(self, codes):
            return -self.weight * codes  # half of what it is

    assert not torch.allclose(Wrong(0.3).gradient(images()), numerical(Wrong(0.3), images()), rtol=1e-2)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_each_row_is_by_itself(penalty):
    codes = images(1)
    alone = torch.cat([penalty.gradient(codes[k : k + 1]) for k in range(2)])
    assert torch.allclose(penalty.gradient(codes), alone)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_gradient_is_finite_and_zero_at_the_zero_image(penalty):
    assert (penalty.gradient(torch.zeros(1, 3, 4, 4)) == 0).all()


def test_total_variation_is_the_mean_over_pixels_of_squared_differences_and_none_across_the_border():
    step = torch.zeros(1, 3, 2, 4)
    step[..., 2:] = 10  # one edge between columns, in both rows, of each of 3 channels
    assert TotalVariation(1, 2).energy(step).item() == pytest.approx(3 * 2 * 100 / 8)
    assert TotalVariation(1, 1).energy(step).item() == pytest.approx(3 * 2 * 10 / 8, rel=1e-4)


def test_norm_power_is_of_the_colours_norm():
    image = torch.zeros(1, 3, 1, 2)
    image[0, :2, 0, 0] = torch.tensor([3.0, 4.0])
    assert NormPower(1, 6).energy(image).item() == pytest.approx(5**6 / 2)


def test_centre_bias_is_nothing_in_the_middle_and_whole_in_the_corners():
    pull = CentreBias(1).gradient(torch.ones(1, 1, 5, 5))[0, 0]
    assert pull[2, 2] == 0
    assert pull[0, 0] == pull[4, 0] == -2
    assert -2 < pull[2, 0] < 0


def test_l1_and_l2_take_codes_of_any_shape_and_the_others_say_that_they_are_for_images():
    assert L2Penalty(1.0).gradient(torch.ones(2, 7)).tolist() == [[-2.0] * 7] * 2
    assert L1Penalty(1.0).gradient(-torch.ones(2, 7)).tolist() == [[1.0] * 7] * 2
    with pytest.raises(DgnamError, match=r"TotalVariation.*for pixels as the code.*\(2, 7\)"):
        TotalVariation(1.0).gradient(torch.ones(2, 7))


@pytest.mark.parametrize(
    "make",
    [lambda: L2Penalty(-1), lambda: L1Penalty(float("nan")), lambda: NormPower(1, 1), lambda: TotalVariation(1, 0.5)],
)
def test_numbers_out_of_range_are_an_error(make):
    with pytest.raises(DgnamError, match="must be"):
        make()
