"""Adam."""

import numpy as np
import pytest
import torch

from dgnam.am import AdamStep
from dgnam.errors import DgnamError

GRADIENTS = torch.from_numpy(np.random.RandomState(0).standard_normal((5, 2, 3, 4)).astype(np.float32))
SIZES = torch.tensor([0.05, 0.2])


def test_steps_equal_torchs_adam():
    rows = [torch.zeros(3, 4, requires_grad=True) for _ in range(2)]
    optimizer = torch.optim.Adam([{"params": [row], "lr": float(lr)} for row, lr in zip(rows, SIZES, strict=True)])
    state, codes = {}, torch.zeros(2, 3, 4)
    for gradient in GRADIENTS:
        codes = codes + AdamStep().step(gradient, SIZES, state)
        for row, own in zip(rows, gradient, strict=True):
            row.grad = -own
        optimizer.step()
    assert np.allclose(codes, torch.stack([row.detach() for row in rows]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("betas", [(1.0, 0.9), (0.9, -0.1)])
def test_betas_out_of_range_raise(betas):
    with pytest.raises(DgnamError, match="beta1 and beta2"):
        AdamStep(*betas)


def test_a_gradient_near_nothing_moves_little():
    """1e-8 is added to the root of the mean square."""
    found = AdamStep().step(torch.full((1, 2), 1e-8), torch.tensor([0.5]), {})
    assert found.tolist() == [pytest.approx([0.25, 0.25])]
