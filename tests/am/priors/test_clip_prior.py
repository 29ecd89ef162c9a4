"""A prior of clips."""

import numpy as np
import pytest
import torch

from dgnam.am import ClipPrior, GeneratorPrior, PixelPrior


def test_frames_lie_side_by_side():
    prior = ClipPrior(PixelPrior((5, 7)), 3, (5, 7))
    assert (prior.code_shape, prior.image_size) == ((3, 3, 5, 7), (5, 21))
    codes = torch.randn(2, 3, 3, 5, 7)
    strip = prior(codes)
    for frame in range(3):
        assert torch.equal(strip[..., 7 * frame : 7 * frame + 7], codes[:, frame])


@pytest.mark.parametrize("size", [(28, 28), (12, 20)])
def test_each_frame_is_framed_alone(tiny_modules, size):
    from dgnam.am import choose_framing

    inner = GeneratorPrior(tiny_modules[1])
    prior, codes = ClipPrior(inner, 4, size), torch.randn(2, 4, 12)
    strip = prior(codes)
    assert strip.shape == (2, 3, size[0], 4 * size[1])
    wanted = choose_framing(inner.image_size, size)(inner(codes[1]))
    for frame in range(4):
        shown = strip[1, :, :, frame * size[1] : (frame + 1) * size[1]]
        assert np.allclose(shown.detach(), wanted[frame].detach(), atol=1e-4)


def test_a_frames_gradient_is_its_own():
    prior, codes = ClipPrior(PixelPrior((4, 4)), 3, (4, 4)), torch.randn(1, 3, 3, 4, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(prior(codes)[..., 4:8].sum(), codes)
    assert (gradient[:, 1] == 1).all()
    assert (gradient[:, [0, 2]] == 0).all()


def test_it_computes_where_the_prior_of_images_does(tiny_modules):
    inner = GeneratorPrior(tiny_modules[1])
    prior = ClipPrior(inner, 2, (4, 4))
    assert prior.running is inner.running is not None
    assert ClipPrior(PixelPrior((4, 4)), 2, (4, 4)).running is None
    asked = []
    inner.to = asked.append
    prior.to(torch.device("cpu"))
    assert asked == [torch.device("cpu")]
