"""The two ways to keep a code small, on arrays and tensors."""

import numpy as np
import pytest
import torch

from dgnam.am import NormPenalty, Shrink

CODES = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)


@pytest.mark.parametrize("of", [np.array, torch.tensor])
def test_shrink_multiplies_the_code_and_adds_no_gradient(of):
    assert Shrink(0.5).gradient(of(CODES)) is None
    assert np.array_equal(Shrink(0.5).shrink(of(CODES)), CODES / 2)


@pytest.mark.parametrize("factor", [0, 1, 1.5, -0.5])
def test_shrink_outside_0_to_1_is_off_as_in_the_published_code(factor):
    assert np.array_equal(Shrink(factor).shrink(CODES), CODES)


@pytest.mark.parametrize("of", [np.array, torch.tensor])
def test_norm_penalty_is_the_gradient_of_the_weighted_norm(of):
    gradient = NormPenalty(0.005).gradient(of(CODES))
    assert np.allclose(gradient, [[-0.003, -0.004], [0, 0]], atol=1e-9)
    assert np.array_equal(NormPenalty(0.005).shrink(of(CODES)), CODES)


def test_norm_penalty_takes_each_code_by_itself_whatever_its_shape():
    codes = torch.randn(3, 2, 4, 4, requires_grad=True)
    codes.flatten(1).norm(dim=1).sum().backward()
    assert torch.allclose(NormPenalty(2.0).gradient(codes.detach()), -2 * codes.grad)
