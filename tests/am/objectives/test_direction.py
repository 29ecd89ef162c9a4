"""The projection on a direction."""

import numpy as np
import pytest
import torch

from dgnam.am import Direction
from dgnam.errors import ArgumentError, DgnamError

VALUES = torch.arange(2 * 3 * 2 * 2, dtype=torch.float32).view(2, 3, 2, 2)


def test_projection_of_all_values_and_of_channels():
    whole = np.zeros((3, 2, 2))
    whole[1, 0, 1] = 7
    assert Direction("conv", whole).measure(VALUES).tolist() == [5, 17]
    assert torch.allclose(Direction("conv", np.array([3, 4, 0])).measure(VALUES), torch.tensor([5.3, 22.1]))


def test_projection_of_tokens_and_of_their_features():
    values = torch.arange(2 * 4 * 5, dtype=torch.float32).view(2, 4, 5)
    features = Direction("seq", np.array([0, 3, 0, 4, 0]))
    assert torch.allclose(features.measure(values), values.mean(1) @ torch.tensor([0, 0.6, 0, 0.8, 0]))
    whole = np.zeros((4, 5))
    whole[2, 3] = 7
    assert torch.equal(Direction("seq", whole).measure(values), values[:, 2, 3])
    for vector in (features, Direction("seq", whole), Direction("seq", whole.ravel())):
        vector.check((4, 5))


def test_vector_of_another_size_raises():
    with pytest.raises(DgnamError, match=r"5 numbers, and layer 'conv' of shape .* takes 12 or one for each of its 3"):
        Direction("conv", np.ones(5)).check((3, 2, 2))


@pytest.mark.parametrize("shape", [(5, 4), (2, 10)])
def test_vector_of_another_shape_raises(shape):
    with pytest.raises(DgnamError, match=r"20 numbers, and layer 'seq'.*; it has the shape"):
        Direction("seq", np.ones(shape)).check((4, 5))


@pytest.mark.parametrize("vector", [[0, 0], [np.nan, 1]])
def test_zero_or_nan_vector_raises(vector):
    with pytest.raises(DgnamError, match="finite and not zero"):
        Direction("fc", np.array(vector))


def test_a_vector_of_no_numbers_is_one_error():
    for wrong in (["a", "b"], [[1], [1, 2]], object()):
        with pytest.raises(ArgumentError, match=r"vector .*: give an array of numbers"):
            Direction("fc6", wrong)


def test_directions_are_values():
    one, other = Direction("fc6", [1.0, 2.0], "a"), Direction("fc6", [2.0, 4.0], "a")
    assert one == other
    assert hash(one) == hash(other)
    for different in (Direction("fc7", [1, 2], "a"), Direction("fc6", [1, 2], "b"), Direction("fc6", [2, 1], "a"), "a"):
        assert (one == different) is False
    assert Direction("fc6", [[1.0, 2.0]], "a") != one
    assert Direction("fc6", [1.0]).name == "direction"
