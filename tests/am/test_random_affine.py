"""Random shifts, scalings and rotations by the seed and the step."""

import numpy as np
import pytest
import torch

from dgnam.am import RandomAffine
from dgnam.data.preprocessing import MEAN_BGR
from dgnam.errors import DgnamError

IMAGE = torch.from_numpy(np.random.RandomState(0).normal(0, 50, (3, 12, 16)))
GRAY = 127.5 - torch.tensor(MEAN_BGR, dtype=torch.float64).view(3, 1, 1)


class Fixed(RandomAffine):
    """The same transform at each step."""

    def draw(self, seed, step):
        return self.fixed


def fixed(first=(0, 0), factor=1.0, angle=0.0, last=(0, 0)):
    made = Fixed()
    object.__setattr__(made, "fixed", (np.array(first), factor, angle, np.array(last)))
    return made


def test_no_transform_at_all_leaves_the_image():
    still = RandomAffine(0, 0.0, 0, 0)
    assert torch.allclose(still(IMAGE, 3, 5), IMAGE, atol=1e-9)


@pytest.mark.parametrize("where", ["first", "last"])
def test_a_shift_moves_right_and_down_over_gray(where):
    moved = fixed(**{where: (3, 2)})(IMAGE, 0, 0)
    assert torch.allclose(moved[:, 2:, 3:], IMAGE[:, :-2, :-3], atol=1e-9)
    assert torch.allclose(moved[:, :2], GRAY.expand(3, 2, 16), atol=1e-9)
    assert torch.allclose(moved[:, :, :3], GRAY.expand(3, 12, 3), atol=1e-9)


def test_a_factor_enlarges_about_the_center():
    image = torch.zeros(3, 12, 16, dtype=torch.float64)
    image[:, 5:7, 7:9] = 90.0
    large = fixed(factor=2.0)(image, 0, 0)
    assert torch.allclose(large[:, 5:7, 7:9], image[:, 5:7, 7:9])
    assert (large[0] > 45).sum() == 16


def test_a_quarter_turn_is_a_rotation_and_not_a_shear():
    image = IMAGE[:, :, 2:14]
    turned = fixed(angle=90.0)(image, 0, 0)
    assert torch.allclose(turned, torch.rot90(image, -1, (1, 2)), atol=1e-6)
    oblong = fixed(angle=180.0)(IMAGE, 0, 0)
    assert torch.allclose(oblong, torch.rot90(IMAGE, 2, (1, 2)), atol=1e-6)


def test_the_first_shift_is_scaled_and_turned_and_the_last_is_not():
    image = torch.zeros(3, 13, 13, dtype=torch.float64)
    image[:, 6, 6] = 1e3
    moved = fixed(first=(2, 0), factor=2.0, angle=90.0, last=(0, -1))(image, 0, 0)
    assert divmod(int(moved[0].argmax()), 13) == (6 + 4 - 1, 6)


def test_draws_depend_on_seed_and_step_alone():
    draws = [RandomAffine().draw(seed, step) for seed in range(2) for step in range(300)]
    again = [RandomAffine().draw(seed, step) for seed in range(2) for step in range(300)]
    assert all(np.array_equal(a[0], b[0]) and a[1:3] == b[1:3] for a, b in zip(draws, again, strict=True))
    assert {tuple(draw[0]) for draw in draws[:300]} != {tuple(draw[0]) for draw in draws[300:301]}
    firsts = np.stack([draw[0] for draw in draws])
    assert (firsts.min(), firsts.max()) == (-4, 4)
    factors = sorted({round(draw[1], 6) for draw in draws})
    assert factors == pytest.approx(np.linspace(0.9, 1.1, 11))
    angles = [draw[2] for draw in draws]
    assert (min(angles), max(angles)) == (-10, 10)
    assert angles.count(0) / len(angles) == pytest.approx(6 / 26, abs=0.06)
    assert {float(n) for draw in draws for n in draw[3]} == {-2, -1, 0, 1, 2}


def test_gradients_equal_numerical_ones():
    transform = RandomAffine(3, 0.1, 10, 2)
    assert torch.autograd.gradcheck(lambda image: transform(image, 1, 2), IMAGE.clone().requires_grad_())


@pytest.mark.parametrize("given", [(-1,), (8, 1.0), (8, 0.1, -3), (8, 0.1, 3, -1)])
def test_numbers_out_of_range_raise(given):
    with pytest.raises(DgnamError, match="give shifts and an angle"):
        RandomAffine(*given)


def test_the_limits_belong_to_what_may_be_given():
    for fine in ((0, 0.0, 0, 0), (8, 0.999, 10, 4)):
        RandomAffine(*fine)
    for wrong in ((8, -0.001), (8, 0.1, -1), (8, 0.1, 0, -1)):
        with pytest.raises(DgnamError, match="give shifts and an angle"):
            RandomAffine(*wrong)
    assert RandomAffine() == RandomAffine(8, 0.1, 10, 4)
