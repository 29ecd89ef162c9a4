"""The mean of a channel."""

import pytest
import torch

from dgnam.am import Channel
from dgnam.errors import DgnamError

VALUES = torch.arange(2 * 3 * 2 * 2, dtype=torch.float32).view(2, 3, 2, 2)


def test_value_is_the_mean_over_positions():
    assert Channel("conv", 1).measure(VALUES).tolist() == [5.5, 17.5]
    assert Channel("fc", 1).measure(VALUES[:, :, 0, 0]).tolist() == [4, 16]


def test_of_tokens_it_is_the_mean_of_a_feature():
    values = torch.arange(2 * 4 * 5, dtype=torch.float32).view(2, 4, 5)
    assert torch.equal(Channel("seq", 3).measure(values), values[..., 3].mean(1))
    Channel("seq", 4).check((4, 5))
    with pytest.raises(DgnamError, match="layer 'seq' has 5 units, 0 to 4"):
        Channel("seq", 5).check((4, 5))


def test_unknown_channel_raises():
    with pytest.raises(DgnamError, match="unit conv:3@all: layer 'conv' has 3 units, 0 to 2"):
        Channel("conv", 3).check((3, 2, 2))
