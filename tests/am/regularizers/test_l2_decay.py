"""The published L2, on arrays and tensors."""

import numpy as np
import pytest
import torch

from dgnam.am import L2Decay
from dgnam.errors import DgnamError
from tests.am.regularizers.images import at

CODES = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)


@pytest.mark.parametrize("of", [np.array, torch.tensor])
def test_decay_multiplies_the_code_without_a_penalty(of):
    assert L2Decay(0.5).penalty_gradient(of(CODES)) is None
    assert np.array_equal(L2Decay(0.5).project(of(CODES), at(0)), CODES / 2)


def test_factor_1_is_no_decay():
    assert L2Decay(1).project(CODES, at(0)) is CODES


@pytest.mark.parametrize("factor", [0, -0.5, 1.5, float("nan"), "0.9"])
def test_factor_outside_0_to_1_raises(factor):
    with pytest.raises(DgnamError, match=r"l2 .* must be"):
        L2Decay(factor)
