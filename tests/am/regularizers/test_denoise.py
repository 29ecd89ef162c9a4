"""Denoising is scikit-image's, with the published weights."""

import numpy as np
import pytest
import torch
from skimage.restoration import denoise_tv_bregman

from dgnam.am import Denoise
from dgnam.errors import DgnamError
from tests.am.regularizers.images import at

NOISE = torch.from_numpy(np.random.RandomState(0).normal(0, 40, (2, 3, 9, 14)).astype(np.float32))


def test_denoising_equals_scikit_image_with_published_weights():
    denoise = Denoise(0.01, 0.08, 150)
    assert denoise.weight(0) == pytest.approx(0.01 - 0.01 / 150)
    assert denoise.weight(75) == pytest.approx(0.01 - (0.01 - 0.08 * 75) / 150)
    found = denoise.project(NOISE, at(75))
    theirs = denoise_tv_bregman(
        NOISE[1].numpy().astype(np.float64), weight=denoise.weight(75), max_num_iter=100, eps=1e-3, channel_axis=0
    )
    assert found.dtype == torch.float32
    assert np.allclose(found[1], theirs, atol=1e-3)


def test_all_of_the_100_iterations_are_made():
    """A strong contrast isn't settled after them: one less gives another image."""
    denoise, image = Denoise(0.01, 0.08, 150), (10 * NOISE)[1].numpy().astype(np.float64)
    theirs = [
        denoise_tv_bregman(image, weight=denoise.weight(0), max_num_iter=count, eps=1e-3, channel_axis=0)
        for count in (99, 100)
    ]
    found = denoise.project(10 * NOISE, at(0))[1].numpy()
    assert np.array_equal(found, theirs[1].astype(np.float32))
    assert not np.array_equal(found, theirs[0].astype(np.float32))


def test_a_greater_weight_denoises_less():
    denoise = Denoise(0.01, 2.0, 100)
    variations = [denoise.project(NOISE, at(step)).diff(dim=3).abs().mean() for step in (0, 30, 99)]
    assert variations[0] < variations[1] < variations[2] < NOISE.diff(dim=3).abs().mean()


def test_an_image_with_nan_stays_alone():
    images = NOISE.clone()
    images[0, 0, 0, 0] = torch.nan
    found = Denoise(0.01, 1.0, 10).project(images, at(0))
    assert torch.equal(found[0].nan_to_num(), images[0].nan_to_num())
    assert torch.equal(found[1], Denoise(0.01, 1.0, 10).project(NOISE, at(0))[1])


@pytest.mark.parametrize("make", [lambda: Denoise(0, 1, 10), lambda: Denoise(1, 1, 1)])
def test_numbers_out_of_range_raise(make):
    with pytest.raises(DgnamError, match="Denoise"):
        make()
