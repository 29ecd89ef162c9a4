"""Pixels that matter little become 0."""

import numpy as np
import pytest
import torch

from dgnam.am import ClipSmallContribution, ClipSmallNorm
from dgnam.am.regularizers.small_pixels import percentile
from dgnam.errors import DgnamError
from tests.am.regularizers.images import GRADIENT, IMAGES, at


@pytest.mark.parametrize("percent", [0, 12.5, 50, 90, 100])
def test_percentile_of_each_row_equals_numpy(percent):
    values = IMAGES.flatten(1)
    assert np.allclose(percentile(values, percent)[:, 0], np.percentile(values.numpy(), percent, axis=1), rtol=1e-5)


def test_pixels_of_small_norm_become_0():
    norms = np.linalg.norm(IMAGES.numpy(), axis=1, keepdims=True)
    small = np.stack([norm < np.percentile(norm, 50) for norm in norms])
    assert np.array_equal(ClipSmallNorm(50).project(IMAGES, at(0)), np.where(small, 0, IMAGES.numpy()))
    assert small.mean() == 0.5


def test_pixels_of_small_contribution_become_0():
    contribution = np.abs((IMAGES * GRADIENT).numpy().sum(1, keepdims=True))
    small = np.stack([one < np.percentile(one, 90) for one in contribution])
    found = ClipSmallContribution(90).project(IMAGES, at(3, GRADIENT))
    assert np.array_equal(found, np.where(small, 0, IMAGES.numpy()))
    assert not torch.equal(found, ClipSmallContribution(90).project(IMAGES, at(3, GRADIENT.flip(3))))


def test_0_percent_clips_nothing():
    assert torch.equal(ClipSmallNorm(0).project(IMAGES, at(0)), IMAGES)


def test_100_percent_clips_all_but_the_largest():
    assert (ClipSmallNorm(100).project(IMAGES, at(0)) != 0).any(1).sum((1, 2)).tolist() == [1] * len(IMAGES)


@pytest.mark.parametrize("make", [lambda: ClipSmallNorm(100.5), lambda: ClipSmallContribution(-0.5)])
def test_percentage_out_of_range_raises(make):
    with pytest.raises(DgnamError, match=r"ClipSmall.*percentage of 0 to 100"):
        make()
