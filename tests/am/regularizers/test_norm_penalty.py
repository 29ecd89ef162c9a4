"""The paper's L2, on arrays and tensors."""

import numpy as np
import pytest
import torch

from dgnam.am import NormPenalty
from dgnam.errors import DgnamError
from tests.am.regularizers.images import at

CODES = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)


@pytest.mark.parametrize("of", [np.array, torch.tensor])
def test_penalty_gradient_is_that_of_the_weighted_norm(of):
    gradient = NormPenalty(0.005).penalty_gradient(of(CODES))
    assert np.allclose(gradient, [[-0.003, -0.004], [0, 0]], atol=1e-9)
    assert np.array_equal(NormPenalty(0.005).project(of(CODES), at(0)), CODES)


def test_each_code_counts_by_itself_in_any_shape():
    codes = torch.randn(3, 2, 4, 4, requires_grad=True)
    codes.flatten(1).norm(dim=1).sum().backward()
    assert torch.allclose(NormPenalty(2.0).penalty_gradient(codes.detach()), -2 * codes.grad)


@pytest.mark.parametrize("weight", [-0.1, float("inf"), float("nan"), None])
def test_weight_below_0_or_not_finite_raises(weight):
    with pytest.raises(DgnamError, match=r"norm_penalty .* must be"):
        NormPenalty(weight)
