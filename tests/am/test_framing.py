"""What a target sees: the centre, or the whole image resized."""

import pytest
import torch

from dgnam.am.framing import Centre, Resized, view


@pytest.mark.parametrize(("outer", "inner"), [(256, 227), (64, 56), (64, 64), (64, 32)])
def test_the_centre_where_it_is_most_of_the_image(outer, inner):
    seen = view((outer, outer), (inner, inner))
    assert seen == Centre((outer, outer), (inner, inner))
    images = torch.randn(1, 3, outer, outer)
    edge = (outer - inner) // 2
    assert torch.equal(seen(images), images[..., edge : edge + inner, edge : edge + inner])


@pytest.mark.parametrize(("outer", "inner"), [(64, 227), (256, 64)])
def test_the_whole_image_resized_where_it_is_not(outer, inner):
    seen = view((outer, outer), (inner, inner))
    assert seen == Resized((outer, outer), (inner, inner))
    assert seen(torch.ones(2, 3, outer, outer)).shape == (2, 3, inner, inner)


def test_shrinking_takes_the_mean_of_what_is_covered():
    images = torch.zeros(1, 1, 8, 8)
    images[..., ::2, ::2] = 4
    assert torch.allclose(Resized((8, 8), (2, 2))(images), torch.ones(1, 1, 2, 2), atol=0.2)


def test_both_are_differentiable():
    for seen in (Centre((8, 8), (6, 6)), Resized((8, 8), (20, 20))):
        images = torch.randn(1, 3, 8, 8, requires_grad=True)
        seen(images).sum().backward()
        assert images.grad.abs().sum() > 0


def test_the_text_that_is_recorded():
    assert str(view((64, 64), (227, 227))) == "Resized(outer=(64, 64), inner=(227, 227))"
