"""Blur is scipy's, every few steps."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from dgnam.am import Blur
from dgnam.errors import DgnamError
from tests.am.regularizers.images import at

NOISE = torch.from_numpy(np.random.RandomState(0).normal(0, 40, (2, 3, 9, 14)).astype(np.float32))


@pytest.mark.parametrize("radius", [0.3, 0.5, 1.0, 3.0])
def test_blur_equals_scipys_gaussian_filter(radius):
    theirs = [[gaussian_filter(channel, radius) for channel in image] for image in NOISE.numpy()]
    assert np.allclose(Blur(radius).project(NOISE, at(0)), theirs, atol=1e-4)


def test_blur_is_every_few_steps():
    blurred = [not torch.equal(Blur(1.0, 4).project(NOISE, at(step)), NOISE) for step in range(9)]
    assert blurred == [True, False, False, False] * 2 + [True]


@pytest.mark.parametrize("make", [lambda: Blur(0), lambda: Blur(1, 0)])
def test_numbers_out_of_range_raise(make):
    with pytest.raises(DgnamError, match="Blur"):
        make()


def test_codes_other_than_images_raise():
    with pytest.raises(DgnamError, match=r"Blur.*for pixels as the code.*\(2, 7\)"):
        Blur(1.0).project(torch.ones(2, 7), at(0))
