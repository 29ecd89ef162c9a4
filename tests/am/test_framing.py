"""Framing: the center, or the whole image resized."""

import numpy as np
import pytest
import torch

from dgnam.am.framing import CenterCrop, Resize, center_window, choose_framing, crop_mean
from dgnam.errors import DgnamError


@pytest.mark.parametrize(("outer", "inner"), [(256, 227), (64, 56), (64, 64), (64, 32)])
def test_large_targets_see_the_center(outer, inner):
    seen = choose_framing((outer, outer), (inner, inner))
    assert seen == CenterCrop((outer, outer), (inner, inner))
    images = torch.randn(1, 3, outer, outer)
    edge = (outer - inner) // 2
    assert torch.equal(seen(images), images[..., edge : edge + inner, edge : edge + inner])


@pytest.mark.parametrize(("outer", "inner"), [(64, 227), (256, 64)])
def test_other_targets_see_the_image_resized(outer, inner):
    seen = choose_framing((outer, outer), (inner, inner))
    assert seen == Resize((outer, outer), (inner, inner))
    assert seen(torch.ones(2, 3, outer, outer)).shape == (2, 3, inner, inner)


def test_shrinking_is_antialiased():
    images = torch.zeros(1, 1, 8, 8)
    images[..., ::2, ::2] = 4
    assert torch.allclose(Resize((8, 8), (2, 2))(images), torch.ones(1, 1, 2, 2), atol=0.2)


def test_both_are_differentiable():
    for seen in (CenterCrop((8, 8), (6, 6)), Resize((8, 8), (20, 20))):
        images = torch.randn(1, 3, 8, 8, requires_grad=True)
        seen(images).sum().backward()
        assert images.grad.abs().sum() > 0


def test_repr_for_records():
    assert str(choose_framing((64, 64), (227, 227))) == "Resize(outer=(64, 64), inner=(227, 227))"


@pytest.mark.parametrize(("size", "first"), [(227, 14), (224, 16)])
def test_window_is_the_center_of_256(size, first):
    assert center_window((256, 256), (size, size)) == (slice(first, first + size), slice(first, first + size))


def test_window_of_an_oblong_image():
    assert np.ones((7, 5))[center_window((7, 5), (3, 4))].shape == (3, 4)
    assert center_window((7, 5), (3, 4)) == (slice(2, 5), slice(0, 4))


def test_window_larger_than_the_image_raises():
    with pytest.raises(DgnamError, match="no 227x227 window fits into an image of 64x64"):
        center_window((64, 64), (227, 227))


def test_mean_image_is_cropped_at_its_center():
    mean = np.arange(3 * 10 * 10.0).reshape(3, 10, 10)
    assert np.array_equal(crop_mean(mean, (4, 4)), mean[:, 3:7, 3:7])
    assert crop_mean(np.array([104.0, 117, 123]), (4, 4)).shape == (3, 1, 1)


def test_half_a_side_is_cropped_and_less_is_resized():
    for inner, kind in (((32, 64), CenterCrop), ((31, 64), Resize), ((64, 31), Resize), ((64, 65), Resize)):
        assert isinstance(choose_framing((64, 64), inner), kind)
