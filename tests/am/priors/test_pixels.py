"""Pixels without a prior: the control."""

import numpy as np
import torch

from dgnam.am import Job, PixelPrior, Unit, gather, random_code, synthesize, without_prior


def test_code_is_the_image():
    prior = PixelPrior((28, 28))
    assert (prior.code_shape, prior.image_size) == ((3, 28, 28), (28, 28))
    codes = torch.randn(2, 3, 28, 28)
    assert torch.equal(prior(codes), codes)


def test_published_step_from_faint_noise(linear_target, as_batch, linear_generator):
    target, _ = as_batch(linear_target, linear_generator)
    prior = PixelPrior((2, 2))
    job = Job(Unit("fc8", 1), seed=5, settings=without_prior(n_iters=1))
    result = gather(synthesize(target, prior, [job], clip=None, progress=False))
    start = random_code(5, (1, 3, 2, 2))
    gradient = linear_target.matrix[1].reshape(1, 3, 2, 2)
    assert np.array_equal(result.images, start)
    assert np.allclose(result.codes, start + 8 / np.abs(gradient).mean() * gradient, atol=1e-4)


def test_images_are_their_own_codes():
    found = PixelPrior((2, 2)).codes_of(np.arange(12).reshape(1, 3, 2, 2))
    assert found.dtype == np.float32
    assert found.ravel().tolist() == list(range(12))
