"""Gradient ascent."""

import numpy as np
import pytest
import torch

from dgnam.am import FixedIncreaseStep, GradientStep
from dgnam.errors import DgnamError

GRADIENT = torch.from_numpy(np.random.RandomState(0).standard_normal((2, 3, 4)).astype(np.float32))
SIZES = torch.tensor([8.0, 2.0])


def test_gradient_step_is_rate_times_gradient():
    assert torch.equal(GradientStep().step(GRADIENT, SIZES, {}), GRADIENT * SIZES.view(2, 1, 1))


def test_fixed_increase_holds_up_to_the_highest_rate():
    steps = FixedIncreaseStep(2.0).step(GRADIENT, torch.tensor([1e8, 1e-3]), {})
    assert (steps * GRADIENT)[0].sum().item() == pytest.approx(2, rel=1e-5)
    assert torch.allclose(steps[1], GRADIENT[1] * 1e-3)


def test_increase_of_0_raises():
    with pytest.raises(DgnamError, match="increase 0 must be above 0"):
        FixedIncreaseStep(0)
