"""Colors stay within their range, or a ball."""

import pytest
import torch

from dgnam.am import ColorRange, NormBall
from dgnam.errors import DgnamError
from tests.am.regularizers.images import IMAGES, at


def test_colors_stay_between_black_and_white():
    found = ColorRange().project(torch.full((1, 3, 1, 2), 500.0), at(0))
    assert found[0, :, 0, 0].tolist() == [151, 138, 132]
    assert ColorRange().project(-found * 9, at(0))[0, :, 0, 0].tolist() == [-104, -117, -123]


def test_colors_outside_the_ball_are_scaled_back():
    norms = IMAGES.norm(dim=1)
    found = NormBall(120.0).project(IMAGES, at(0))
    assert torch.allclose(found.norm(dim=1), norms.clamp(max=120), rtol=1e-5)
    assert torch.allclose(torch.cosine_similarity(found, IMAGES), torch.ones(1))
    assert (NormBall(120.0).project(torch.zeros(1, 3, 2, 2), at(0)) == 0).all()


def test_radius_of_zero_raises():
    with pytest.raises(DgnamError, match="NormBall"):
        NormBall(0)
