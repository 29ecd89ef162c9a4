"""AdaGrad with momentum."""

import numpy as np
import pytest
import torch

from dgnam.am import AdaGradStep
from dgnam.errors import DgnamError

GRADIENT = torch.from_numpy(np.random.RandomState(0).standard_normal((2, 3, 4)).astype(np.float32))
SIZES = torch.tensor([8.0, 2.0])


def test_squares_and_momentum_are_kept():
    state, steps = {}, []
    for factor in (1.0, -2.0, 0.5):
        steps.append(AdaGradStep(0.9).step(factor * GRADIENT, SIZES, state).numpy())
    squares = velocity = 0.0
    for factor, step in zip((1.0, -2.0, 0.5), steps, strict=True):
        g = factor * GRADIENT.numpy()
        squares = 0.9 * squares + g**2
        velocity = 0.9 * velocity + g / (1 / SIZES.numpy().reshape(2, 1, 1) + np.sqrt(squares))
        assert np.allclose(step, velocity, rtol=1e-4)


@pytest.mark.parametrize("momentum", [1.0, -0.1])
def test_momentum_out_of_range_raises(momentum):
    with pytest.raises(DgnamError, match="momentum must be"):
        AdaGradStep(momentum)
