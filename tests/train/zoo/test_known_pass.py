"""What is known of published weights, on nets whose answers are known."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net
from dgnam.train.zoo import known_pass
from dgnam.train.zoo.known_pass import DISTORTED, probabilities, rank_of_its_picture

ENCODER = """
name: "flat"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
layer { name: "code" type: "Flatten" bottom: "data" top: "code" }
layer { name: "prob" type: "Softmax" bottom: "code" top: "prob" }
"""


@pytest.fixture
def encoder():
    return CaffeModule(parse_net(ENCODER))


@pytest.fixture
def picture(tmp_path):
    """RGB, as large as the net's input."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path / "a.png", pixels


def test_the_input_is_bgr_minus_the_mean(encoder, picture):
    path, pixels = picture
    found = known_pass._input(encoder, path, (104.0, 117.0, 123.0)).numpy()
    wanted = pixels[..., ::-1].transpose(2, 0, 1)[None] - np.array([104, 117, 123]).reshape(3, 1, 1)
    assert found.dtype == np.float32
    assert np.allclose(found, wanted, atol=1e-3)
    assert known_pass.MEAN == (104, 117, 123)


def test_classes_have_their_probabilities_here_and_there(encoder, picture):
    path, pixels = picture
    own = SimpleNamespace(mean=(0.0, 0.0, 0.0), probabilities={"0": 0.25, "47": 0.5})
    values = pixels[..., ::-1].transpose(2, 0, 1).ravel().astype(float)
    wanted = np.exp(values - values.max())
    wanted /= wanted.sum()
    found = probabilities(encoder, own, path)
    assert {name: said for name, (_, said) in found.items()} == own.probabilities
    assert found["0"][0] == pytest.approx(wanted[0], abs=1e-5)
    assert found["47"][0] == pytest.approx(wanted[47], abs=1e-5)


def test_a_picture_has_seven_distortions():
    image = np.arange(3 * 4 * 4, dtype=np.float32).reshape(3, 4, 4)
    found = known_pass._distorted(image)
    assert found.shape == (DISTORTED, 3, 4, 4) == (8, 3, 4, 4)
    wanted = [
        *(image, image[:, ::-1], image.swapaxes(1, 2), -image, image[::-1]),
        *(image[[1, 2, 0]], image[[2, 0, 1]], np.roll(np.roll(image, 2, 1), 2, 2)),
    ]
    assert np.array_equal(found, np.stack(wanted))
    assert len({one.tobytes() for one in found}) == 8


@pytest.mark.parametrize(("place", "rank"), [(0, 1), (3, 8), (1, 2)])
def test_the_rank_of_what_an_inversion_makes(encoder, picture, place, rank):
    """A generator whose image, two pixels larger on each side, has in its center a distortion of the picture."""
    made = SimpleNamespace(layer="code", code_shape=(48,), output="image")

    def generator(code):
        image = known_pass._distorted(code.view(3, 4, 4).numpy())[place]
        return {"image": torch.from_numpy(np.pad(image, ((0, 0), (2, 2), (2, 2)), constant_values=999)[None].copy())}

    found = rank_of_its_picture(SimpleNamespace(generator=made), generator, encoder, picture[0])
    assert found == 1 if rank == 1 else found > 1
    if rank == 8:
        assert found == 8
