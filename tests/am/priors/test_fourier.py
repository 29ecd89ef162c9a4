"""Fourier coefficients in decorrelated colors."""

import numpy as np
import pytest
import torch

from dgnam.am import FourierPrior
from dgnam.data.preprocessing import MEAN_BGR

SIZES = [(6, 8), (7, 5), (8, 7)]


def random_codes(prior, count=2, seed=0):
    return torch.from_numpy(np.random.RandomState(seed).normal(0, 0.3, (count, *prior.code_shape)))


@pytest.mark.parametrize("size", SIZES)
def test_images_have_the_asked_size_and_colors(size):
    prior = FourierPrior(size)
    images = prior(random_codes(prior).float()).numpy()
    assert images.shape == (2, 3, *size)
    pictures = images + np.reshape(MEAN_BGR, (3, 1, 1))
    assert ((pictures > 0) & (pictures < 255)).all()


def test_the_zero_code_is_middle_gray():
    image = FourierPrior((6, 8))(torch.zeros(1, 2, 3, 6, 5)).numpy()
    assert np.allclose(image + np.reshape(MEAN_BGR, (3, 1, 1)), 127.5, atol=1e-4)


def test_one_coefficient_is_a_wave_of_its_frequency():
    size, place = (8, 8), (0, 2)
    prior, code = FourierPrior(size), torch.zeros(1, 2, 3, 8, 5, dtype=torch.float64)
    code[0, 0, 0][place] = 0.05
    wave = torch.logit((prior(code).flip(1) + torch.tensor(MEAN_BGR[::-1]).view(3, 1, 1)) / 255)[0]
    along = np.cos(2 * np.pi * 2 * np.arange(8) / 8)
    amplitude = 0.05 * 8 / (2 / 8) / 4 * 2 / 64  # a real wave has two coefficients
    colors = np.array([0.26, 0.27, 0.27]) / np.linalg.norm([0.26, 0.27, 0.27])
    assert np.allclose(wave, amplitude * colors[:, None, None] * along, atol=1e-7)


def test_lower_frequencies_weigh_more_unless_decay_is_zero():
    def amplitude(prior, place):
        code = torch.zeros(1, *prior.code_shape, dtype=torch.float64)
        code[0, 0, 0][place] = 1e-4
        return float(prior(code)[0, 0].std())

    prior = FourierPrior((32, 32))
    assert amplitude(prior, (0, 1)) == pytest.approx(8 * amplitude(prior, (0, 8)), rel=1e-3)
    flat = FourierPrior((32, 32), decay=0)
    assert amplitude(flat, (0, 1)) == pytest.approx(amplitude(flat, (0, 8)), rel=1e-3)


@pytest.mark.parametrize("size", SIZES)
def test_gradients_equal_numerical_ones(size):
    prior = FourierPrior(size)
    assert torch.autograd.gradcheck(prior, random_codes(prior).requires_grad_(), atol=1e-4)


def test_a_wrong_gradient_fails_the_check():
    prior = FourierPrior((6, 8))
    codes = random_codes(prior).requires_grad_()
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        torch.autograd.gradcheck(lambda codes: prior(codes) + 0.1 * prior(codes).detach() ** 2, codes, atol=1e-4)


def test_rows_do_not_depend_on_their_batch():
    prior = FourierPrior((28, 28))
    codes = random_codes(prior, 5).float()
    together = prior(codes).numpy()
    for row in range(5):
        alone = prior(codes[row : row + 1]).numpy()[0]
        assert np.abs(together[row] - alone).max() < 2e-6 * 255


@pytest.mark.parametrize("size", SIZES)
def test_codes_of_images_give_the_images_back(size):
    prior = FourierPrior(size)
    images = prior(random_codes(prior).float()).numpy()
    again = prior(torch.from_numpy(prior.codes_of(images))).numpy()
    assert np.abs(again - images).max() < 1e-3


def test_black_and_white_come_back_within_half_a_level():
    prior = FourierPrior((6, 8))
    pictures = np.zeros((1, 3, 6, 8), np.float32)
    pictures[..., 4:] = 255
    images = pictures - np.reshape(MEAN_BGR, (3, 1, 1)).astype(np.float32)
    again = prior(torch.from_numpy(prior.codes_of(images))).numpy()
    assert np.abs(again - images).max() < 0.51


@pytest.mark.parametrize(("size", "decay"), [((6, 4), 1.0), ((5, 9), 2.0), ((4, 4), 0.0)])
def test_an_image_by_hand(size, decay):
    height, width = size
    codes = np.random.default_rng(0).normal(0, 0.5, (1, 2, 3, height, width // 2 + 1))
    frequencies = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    scale = np.sqrt(height * width) / np.maximum(frequencies, 1 / max(size)) ** decay / 4
    waves = np.fft.irfft2((codes[0, 0] + 1j * codes[0, 1]) * scale, s=size)
    colors = np.array([[0.26, 0.09, 0.02], [0.27, 0.0, -0.05], [0.27, -0.09, 0.03]])
    colors /= np.sqrt(0.26**2 + 2 * 0.27**2)
    rgb = 255 / (1 + np.exp(-np.einsum("ij,jhw->ihw", colors, waves)))
    wanted = rgb[::-1] - np.array(MEAN_BGR).reshape(3, 1, 1)
    prior = FourierPrior(size, decay) if decay != 1 else FourierPrior(size)
    assert prior.code_shape == codes.shape[1:]
    assert np.allclose(prior(torch.from_numpy(codes))[0], wanted, atol=1e-6)
