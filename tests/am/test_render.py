"""Images of codes, without optimization."""

import numpy as np
import pytest

from dgnam.am import PixelPrior, render
from dgnam.errors import DgnamError


@pytest.mark.parametrize("count", [0, 1, 5])
def test_each_code_has_an_image(count):
    codes = np.random.default_rng(0).normal(size=(count, 3, 8, 8))
    images = render(PixelPrior((8, 8)), codes, (6, 6), batch_size=2)
    assert (images.shape, images.dtype) == ((count, 3, 6, 6), np.float32)
    assert np.array_equal(images, codes[:, :, 1:7, 1:7].astype(np.float32))


def test_codes_of_another_shape_are_an_error():
    with pytest.raises(DgnamError, match=r"the codes have shape \(2, 7\), and the prior's are \(n, 3, 8, 8\)"):
        render(PixelPrior((8, 8)), np.zeros((2, 7)), (8, 8))
