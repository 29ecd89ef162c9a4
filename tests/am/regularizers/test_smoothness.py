"""The penalty on differences between neighboring frames."""

import numpy as np
import pytest
import torch

from dgnam.am import Smoothness
from dgnam.errors import DgnamError

CODES = torch.from_numpy(np.random.RandomState(0).normal(0, 1, (2, 5, 4)))


def test_energy_is_the_sum_of_squared_steps():
    wanted = (np.diff(CODES.numpy(), axis=1) ** 2).sum((1, 2))
    assert np.allclose(Smoothness(1.0).energy(CODES), wanted)
    assert (Smoothness(1.0).energy(CODES[:, :1].repeat(1, 5, 1)) == 0).all()


def test_gradient_equals_the_numerical_one():
    smooth, epsilon = Smoothness(0.3), 1e-5
    found = smooth.penalty_gradient(CODES)
    for frame in (0, 2, 4):
        moved = CODES.clone()
        moved[1, frame, 2] += epsilon
        slope = (smooth.energy(moved) - smooth.energy(CODES))[1] / epsilon
        assert float(found[1, frame, 2]) == pytest.approx(-0.3 * float(slope), abs=1e-4)


def test_codes_of_images_are_an_error():
    with pytest.raises(DgnamError, match="for clips"):
        Smoothness(1.0).energy(torch.zeros(2, 4))
    with pytest.raises(DgnamError, match="the weight"):
        Smoothness(-1.0)
