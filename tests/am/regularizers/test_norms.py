"""Penalties on norms, by hand."""

import pytest
import torch

from dgnam.am import L1Penalty, L2Penalty, NormPower


def test_norm_power_takes_the_norm_of_colors():
    image = torch.zeros(1, 3, 1, 2)
    image[0, :2, 0, 0] = torch.tensor([3.0, 4.0])
    assert NormPower(1, 6).energy(image).item() == pytest.approx(5**6 / 2)


def test_l1_and_l2_take_codes_of_any_shape():
    assert L2Penalty(1.0).penalty_gradient(torch.ones(2, 7)).tolist() == [[-2.0] * 7] * 2
    assert L1Penalty(1.0).penalty_gradient(-torch.ones(2, 7)).tolist() == [[1.0] * 7] * 2
