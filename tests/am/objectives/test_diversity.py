"""Diversity within a batch."""

import torch

from dgnam.am import Diversity


def test_value_is_minus_the_mean_cosine_similarity():
    rows = torch.tensor([[1.0, 0], [2, 0], [0, 3]])
    assert torch.allclose(Diversity("fc").measure(rows), torch.tensor([-0.5, -0.5, 0]))


def test_a_single_image_has_0():
    assert Diversity("fc").measure(torch.tensor([[1.0, 0]])).tolist() == [0]
