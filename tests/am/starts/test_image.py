"""The code of a picture file as the start."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from dgnam import zoo
from dgnam.am import CaffeTarget, ImageStart, code_of_image, encoder, read_image
from dgnam.errors import DgnamError
from dgnam.files.checksums import sha256

MEAN = np.array([104.0, 117.0, 123.0])


def test_picture_becomes_bgr_minus_the_mean(tmp_path):
    Image.new("RGB", (400, 100), (10, 20, 30)).save(tmp_path / "picture.png")
    image = read_image(tmp_path / "picture.png", (227, 227), MEAN)
    assert image.shape == (1, 3, 227, 227)
    assert image.dtype == np.float32
    assert np.array_equal(image[0, :, 0, 0], [30 - 104, 20 - 117, 10 - 123])
    assert np.ptp(image, axis=(2, 3)).max() == 0


def test_resizing_keeps_the_corners_of_an_oblong_picture(tmp_path):
    picture = Image.new("RGB", (40, 20))
    picture.paste((255, 255, 255), (30, 0, 40, 20))
    picture.save(tmp_path / "picture.png")
    image = read_image(tmp_path / "picture.png", (10, 8), np.zeros(3))
    assert image.shape == (1, 3, 10, 8)
    assert (image[..., :5] == 0).all()
    assert (image[..., -1] == 255).all()


def test_the_center_of_the_mean_image_is_subtracted(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "black.png")
    mean = np.arange(3 * 10 * 10.0).reshape(3, 10, 10)
    image = read_image(tmp_path / "black.png", (4, 4), mean)
    assert np.array_equal(image[0], -mean[:, 3:7, 3:7])


def test_mean_image_smaller_than_the_size_raises(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "black.png")
    with pytest.raises(DgnamError, match="no 227x227 window fits into an image of 10x10"):
        read_image(tmp_path / "black.png", (227, 227), np.zeros((3, 10, 10)))


def test_code_is_that_of_the_encoder(tmp_path):
    Image.new("RGB", (9, 9), (1, 2, 3)).save(tmp_path / "picture.png")
    code = code_of_image(tmp_path / "picture.png", lambda image: image.mean((2, 3)).astype(np.float64), (5, 5), MEAN)
    assert code.dtype == np.float32
    assert np.allclose(code, [[3 - 104, 2 - 117, 1 - 123]])


class TestImageStart:
    @staticmethod
    def encode(image):
        return image.mean((2, 3))

    def test_all_seeds_take_the_pictures_code(self, tmp_path):
        Image.new("RGB", (9, 9), (1, 2, 3)).save(tmp_path / "picture.png")
        start = ImageStart(tmp_path / "picture.png", self.encode, (5, 5), MEAN)
        assert np.allclose(start.codes([4, 9], (3,)), [[3 - 104, 2 - 117, 1 - 123]] * 2)
        record = start.as_dict()
        assert record["sha256"] == sha256(tmp_path / "picture.png")
        assert record["mean"] == [104, 117, 123]
        assert json.loads(json.dumps(record)) == record

    def test_another_encoder_is_another_start(self, tmp_path):
        Image.new("RGB", (9, 9), (1, 2, 3)).save(tmp_path / "picture.png")
        starts = [ImageStart(tmp_path / "picture.png", encode, (5, 5), MEAN) for encode in (self.encode, np.copy)]
        assert starts[0].as_dict() != starts[1].as_dict()

    def test_a_code_that_doesnt_fit_or_isnt_finite(self, tmp_path):
        Image.new("RGB", (9, 9)).save(tmp_path / "picture.png")
        with pytest.raises(DgnamError, match=r"picture.png has shape \(3,\), and the prior's codes \(4,\)"):
            ImageStart(tmp_path / "picture.png", self.encode, (5, 5), MEAN).codes([0], (4,))
        with pytest.raises(DgnamError, match="is not finite"):
            ImageStart(tmp_path / "picture.png", lambda i: self.encode(i) * np.nan, (5, 5), MEAN).codes([0], (3,))
        with pytest.raises(DgnamError, match=r"absent.png: no such file"):
            ImageStart(tmp_path / "absent.png", self.encode, (5, 5), MEAN).codes([0], (3,))

    def test_encoder_gives_codes_after_the_relu(self, tmp_path):
        draw = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(draw).save(tmp_path / "noise.png")
        start = ImageStart(tmp_path / "noise.png", encoder(zoo.load("caffenet-mini"), "fc6"), (56, 56), MEAN)
        code = start.codes([0], (384,))
        assert (code >= 0).all()
        image = read_image(tmp_path / "noise.png", (56, 56), MEAN)
        before = CaffeTarget(zoo.load("caffenet-mini"))(torch.from_numpy(image), ["fc6"])["fc6"].numpy()
        assert np.allclose(code, np.maximum(before, 0), atol=1e-4)
