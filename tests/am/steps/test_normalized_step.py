"""The published step."""

import numpy as np
import torch

from dgnam.am import NormalizedStep

GRADIENT = torch.from_numpy(np.random.RandomState(0).standard_normal((2, 3, 4)).astype(np.float32))
SIZES = torch.tensor([8.0, 2.0])


def test_mean_move_is_the_step_size():
    assert torch.allclose(NormalizedStep().step(GRADIENT, SIZES, {}).abs().mean((1, 2)), SIZES)


def test_scale_of_the_gradient_is_irrelevant():
    step = NormalizedStep().step
    assert torch.allclose(step(1000 * GRADIENT, SIZES, {}), step(GRADIENT, SIZES, {}))
