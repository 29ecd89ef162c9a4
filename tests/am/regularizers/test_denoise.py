"""Denoising is scikit-image's, with the published weights."""

import numpy as np
import pytest
import torch
from skimage.restoration import denoise_tv_bregman

from dgnam.am import Denoise
from dgnam.errors import DgnamError
from tests.am.regularizers.images import at

NOISE = torch.from_numpy(np.random.RandomState(0).normal(0, 40, (2, 3, 9, 14)).astype(np.float32))


def scikit_image(image, weight, iterations=100):
    """As the published code called it: (rows, columns, channels), all channels together."""
    last = image.numpy().astype(np.float64).transpose(1, 2, 0)
    return denoise_tv_bregman(last, weight=weight, max_num_iter=iterations, eps=1e-3).transpose(2, 0, 1).astype("f4")


def test_denoising_equals_scikit_image_with_published_weights():
    denoise = Denoise(0.01, 0.08, 150)
    assert denoise.weight(0) == pytest.approx(0.01 - 0.01 / 150)
    assert denoise.weight(75) == pytest.approx(0.01 - (0.01 - 0.08 * 75) / 150)
    found = denoise.project(NOISE, at(75))
    assert found.dtype == torch.float32
    assert np.array_equal(found[1], scikit_image(NOISE[1], denoise.weight(75)))


def test_all_of_the_100_iterations_are_made():
    """A strong contrast isn't settled after them: one less gives another image."""
    denoise = Denoise(0.01, 0.08, 150)
    fewer, all_of_them = (scikit_image(10 * NOISE[1], denoise.weight(0), count) for count in (99, 100))
    found = denoise.project(10 * NOISE, at(0))[1].numpy()
    assert np.array_equal(found, all_of_them)
    assert not np.array_equal(found, fewer)


def test_iterations_go_on_while_any_channel_changes():
    """Flat channels alone would be done after one."""
    image = NOISE[1].clone()
    image[1:] = image[1:] * 1e-3
    found = Denoise(2.0, 2.0, 100).project(image[None], at(0))[0].numpy()
    alone = Denoise(2.0, 2.0, 100).project(image[1:2].repeat(3, 1, 1)[None], at(0))[0].numpy()
    assert np.array_equal(found, scikit_image(image, Denoise(2.0, 2.0, 100).weight(0)))
    assert not np.array_equal(found[1], alone[0])


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
