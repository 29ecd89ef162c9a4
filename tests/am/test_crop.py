"""The centre crop."""

import numpy as np
import pytest

from dgnam.am.crop import centre
from dgnam.errors import DgnamError


@pytest.mark.parametrize(("size", "first"), [(227, 14), (224, 16)])
def test_crop_is_the_centre_of_256(size, first):
    assert centre((256, 256), (size, size)) == (slice(first, first + size), slice(first, first + size))


def test_crop_of_an_oblong_image():
    assert np.ones((7, 5))[centre((7, 5), (3, 4))].shape == (3, 4)
    assert centre((7, 5), (3, 4)) == (slice(2, 5), slice(0, 4))


def test_window_larger_than_the_image_is_an_error():
    with pytest.raises(DgnamError, match="no 227x227 window fits into an image of 64x64"):
        centre((64, 64), (227, 227))
