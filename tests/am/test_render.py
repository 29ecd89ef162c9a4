"""Images of codes, without optimization."""

import numpy as np
import pytest
import torch
from torch import nn

from dgnam.am import PixelPrior, TorchTarget, render
from dgnam.am.framing import frame_for
from dgnam.errors import DgnamError


@pytest.mark.parametrize("count", [0, 1, 5])
def test_each_code_has_an_image(count):
    codes = np.random.default_rng(0).normal(size=(count, 3, 8, 8))
    images = render(PixelPrior((8, 8)), codes, (6, 6), batch_size=2)
    assert (images.shape, images.dtype) == ((count, 3, 6, 6), np.float32)
    assert np.array_equal(images, codes[:, :, 1:7, 1:7].astype(np.float32))


def test_a_target_of_gray_sees_gray():
    codes = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)
    target = TorchTarget(nn.Conv2d(1, 2, 3), (6, 6))
    images = render(PixelPrior((8, 8)), codes, (6, 6), gray=True)
    assert np.array_equal(images, frame_for((8, 8), target)(torch.from_numpy(codes)).numpy())
    assert np.array_equal(images[:, 0], images[:, 2])


def test_codes_of_another_shape_are_an_error():
    with pytest.raises(DgnamError, match=r"the codes have shape \(2, 7\), and the prior's are \(n, 3, 8, 8\)"):
        render(PixelPrior((8, 8)), np.zeros((2, 7)), (8, 8))
