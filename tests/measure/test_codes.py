"""The codes of pictures, batch by batch."""

import numpy as np
import pytest
import torch
from PIL import Image

from dgnam import zoo
from dgnam.data.dataset import open_dataset
from dgnam.data.picture import BrokenPictureError
from dgnam.data.preprocessing import MEAN_BGR, Preprocessing
from dgnam.measure import codes_of_pictures

PREPROCESSING = Preprocessing((56, 56), (64, 64), np.array(MEAN_BGR, np.float32))


@pytest.fixture
def photos(tmp_path):
    draw = np.random.default_rng(0)
    for i in range(7):
        Image.fromarray(draw.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
    return tmp_path


@pytest.mark.parametrize(("layer", "shape"), [("fc6", (384,)), ("conv5", (128, 7, 7))])
def test_codes_come_with_the_pictures_names_after_the_relu(photos, layer, shape):
    encoder, pictures = zoo.load("caffenet-mini"), open_dataset(photos)
    found = list(codes_of_pictures(encoder, layer, pictures, PREPROCESSING, batch_size=3))
    assert [codes.shape for _, codes in found] == [(3, *shape), (3, *shape), (1, *shape)]
    assert [name.rsplit("/", 1)[-1] for names, _ in found for name in names] == [f"{i}.png" for i in range(7)]
    images = torch.from_numpy(np.stack([PREPROCESSING(picture.read()) for picture in pictures]))
    wanted = encoder.values_at([layer], images)[layer].relu().detach().numpy()
    assert np.allclose(np.concatenate([codes for _, codes in found]), wanted, atol=1e-4)


def test_broken_pictures_are_an_error_or_left_out(photos):
    (photos / "3.png").write_bytes(b"no picture")
    encoder, pictures = zoo.load("caffenet-mini"), open_dataset(photos)
    with pytest.raises(BrokenPictureError, match=r"3\.png"):
        list(codes_of_pictures(encoder, "fc6", pictures, PREPROCESSING))
    (names, codes), *rest = codes_of_pictures(encoder, "fc6", pictures, PREPROCESSING, skip_broken=True, limit=5)
    assert (len(names), len(codes), rest) == (5, 5, [])
