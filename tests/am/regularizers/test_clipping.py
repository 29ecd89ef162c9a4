"""Pixels that matter little become 0; colours stay within theirs."""

import numpy as np
import pytest
import torch

from dgnam.am import ColourRange, Moment, NormBall, SmallContribution, SmallNorm
from dgnam.am.regularizers.clipping import percentile
from dgnam.errors import DgnamError

IMAGES = torch.from_numpy(np.random.RandomState(0).normal(0, 90, (2, 3, 6, 7)).astype(np.float32))
GRADIENT = torch.from_numpy(np.random.RandomState(1).normal(0, 1, (2, 3, 6, 7)).astype(np.float32))


@pytest.mark.parametrize("percent", [0, 12.5, 50, 90, 100])
def test_percentile_is_numpys_of_each_row(percent):
    values = IMAGES.flatten(1)
    assert np.allclose(percentile(values, percent)[:, 0], np.percentile(values.numpy(), percent, axis=1), rtol=1e-5)


def test_pixels_of_small_norm_become_0():
    norms = np.linalg.norm(IMAGES.numpy(), axis=1, keepdims=True)
    small = np.stack([norm < np.percentile(norm, 50) for norm in norms])
    assert np.array_equal(SmallNorm(50).shrink(IMAGES), np.where(small, 0, IMAGES.numpy()))
    assert small.mean() == 0.5


def test_pixels_of_small_contribution_become_0():
    contribution = np.abs((IMAGES * GRADIENT).numpy().sum(1, keepdims=True))
    small = np.stack([one < np.percentile(one, 90) for one in contribution])
    found = SmallContribution(90).after(IMAGES, Moment(3, GRADIENT))
    assert np.array_equal(found, np.where(small, 0, IMAGES.numpy()))
    assert not torch.equal(found, SmallContribution(90).after(IMAGES, Moment(3, GRADIENT.flip(3))))


def test_none_is_small_at_0_percent():
    assert torch.equal(SmallNorm(0).shrink(IMAGES), IMAGES)


def test_colours_are_kept_between_black_and_white():
    found = ColourRange().shrink(torch.full((1, 3, 1, 2), 500.0))
    assert found[0, :, 0, 0].tolist() == [151, 138, 132]
    assert ColourRange().shrink(-found * 9)[0, :, 0, 0].tolist() == [-104, -117, -123]


def test_colours_beyond_the_ball_are_scaled_back_to_it_and_the_others_left():
    norms = IMAGES.norm(dim=1)
    found = NormBall(120.0).shrink(IMAGES)
    assert torch.allclose(found.norm(dim=1), norms.clamp(max=120), rtol=1e-5)
    assert torch.allclose(torch.cosine_similarity(found, IMAGES), torch.ones(1))
    assert (NormBall(120.0).shrink(torch.zeros(1, 3, 2, 2)) == 0).all()


@pytest.mark.parametrize("make", [lambda: SmallNorm(101), lambda: SmallContribution(-1), lambda: NormBall(0)])
def test_numbers_out_of_range_are_an_error(make):
    with pytest.raises(DgnamError, match=r"Small|NormBall"):
        make()
