"""How near reconstructions come, by hand."""

import numpy as np
import pytest
import torch

from dgnam.data.dataset import Dataset
from dgnam.data.preprocessing import MEAN_BGR
from dgnam.train.zoo import reconstruction
from dgnam.train.zoo.reconstruction import Reconstruction, reconstruct


class Encoder:
    """The code is an image's channel means; the features are the image and twice that."""

    def __call__(self, images):
        return images.mean((2, 3)), [images, 2 * images]


class Generator(torch.nn.Module):
    """Images of the code's colors, one gray level brighter."""

    def forward(self, code):
        return {"image": code[:, :, None, None].expand(-1, -1, 2, 2) + 1}


@pytest.mark.parametrize("batch", [250, 2])
def test_the_numbers_by_hand(monkeypatch, batch):
    assert reconstruction._BATCH == 250
    monkeypatch.setattr(reconstruction, "_BATCH", batch)
    pictures = np.random.default_rng(0).integers(0, 256, (5, 2, 2, 3)).astype(np.uint8)
    real = pictures[..., ::-1].transpose(0, 3, 1, 2) - np.array(MEAN_BGR).reshape(3, 1, 1)
    code = real.mean((2, 3))
    fake = np.broadcast_to(code[:, :, None, None] + 1, real.shape)
    found = reconstruct(Generator().train(), Encoder(), Dataset.of_arrays("p", pictures, np.zeros(5, np.int64)))
    assert np.allclose(found.images, fake, atol=1e-3)
    cosines = ((code + 1) * code).sum(1) / np.linalg.norm(code + 1, axis=1) / np.linalg.norm(code, axis=1)
    assert found.code_cosine == pytest.approx(cosines.mean(), abs=1e-5)
    assert found.feature_distance == pytest.approx(((fake - real) ** 2).sum() / (real**2).sum(), rel=1e-4)
    assert found.pixel_rms == pytest.approx(np.sqrt(((fake - real) ** 2).mean()), rel=1e-4)


def test_the_center_of_images():
    images = np.arange(3 * 4 * 6).reshape(1, 3, 4, 6)
    assert np.array_equal(Reconstruction(images, 1, 0, 0).center((2, 4)), images[:, :, 1:3, 1:5])
