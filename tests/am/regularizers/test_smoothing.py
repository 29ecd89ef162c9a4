"""Blur is scipy's, denoising scikit-image's, each at its own steps."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.restoration import denoise_tv_bregman

from dgnam.am import Blur, Denoise, Moment
from dgnam.errors import DgnamError

NOISE = torch.from_numpy(np.random.RandomState(0).normal(0, 40, (2, 3, 9, 14)).astype(np.float32))


def moment(step):
    return Moment(step, torch.zeros_like(NOISE))


@pytest.mark.parametrize("radius", [0.3, 0.5, 1.0, 3.0])
def test_blur_is_scipys_gaussian_filter_of_each_channel(radius):
    theirs = [[gaussian_filter(channel, radius) for channel in image] for image in NOISE.numpy()]
    assert np.allclose(Blur(radius).shrink(NOISE), theirs, atol=1e-4)


def test_blur_is_every_few_steps_from_the_first():
    blurred = [not torch.equal(Blur(1.0, 4).after(NOISE, moment(step)), NOISE) for step in range(9)]
    assert blurred == [True, False, False, False] * 2 + [True]


def test_denoising_is_scikit_images_with_the_published_weights():
    rule = Denoise(0.01, 0.08, 150)
    assert rule.weight(0) == pytest.approx(0.01 - 0.01 / 150)
    assert rule.weight(75) == pytest.approx(0.01 - (0.01 - 0.08 * 75) / 150)
    found = rule.after(NOISE, moment(75))
    theirs = denoise_tv_bregman(
        NOISE[1].numpy().astype(np.float64), weight=rule.weight(75), max_num_iter=100, eps=1e-3, channel_axis=0
    )
    assert found.dtype == torch.float32
    assert np.allclose(found[1], theirs, atol=1e-3)


def test_denoising_is_less_for_a_greater_weight():
    rule = Denoise(0.01, 2.0, 100)
    variations = [rule.after(NOISE, moment(step)).diff(dim=3).abs().mean() for step in (0, 30, 99)]
    assert variations[0] < variations[1] < variations[2] < NOISE.diff(dim=3).abs().mean()


def test_denoising_leaves_an_image_of_nan_as_it_is_and_the_others_alone():
    images = NOISE.clone()
    images[0, 0, 0, 0] = torch.nan
    found = Denoise(0.01, 1.0, 10).after(images, moment(0))
    assert torch.equal(found[0].nan_to_num(), images[0].nan_to_num())
    assert torch.equal(found[1], Denoise(0.01, 1.0, 10).after(NOISE, moment(0))[1])


@pytest.mark.parametrize(
    "make", [lambda: Blur(0), lambda: Blur(1, 0), lambda: Denoise(0, 1, 10), lambda: Denoise(1, 1, 1)]
)
def test_numbers_out_of_range_are_an_error(make):
    with pytest.raises(DgnamError, match=r"Blur|Denoise"):
        make()


def test_codes_that_are_no_images_are_an_error():
    with pytest.raises(DgnamError, match=r"Blur.*for pixels as the code.*\(2, 7\)"):
        Blur(1.0).shrink(torch.ones(2, 7))
