"""Reading pictures: how they are stored, what comes out, and files that can't be read."""

import io

import numpy as np
import pytest
from PIL import Image

from dgnam.caffe.images.load import load_image
from dgnam.errors import CaffeFormatError

RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.random(shape).astype(np.float32)


def colors(*shape):
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def stored(tmp_path, pixels, name="picture.png", mode=None, **options):
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(tmp_path / name, **options)
    return tmp_path / name


def test_colors_are_read_as_fractions(tmp_path):
    pixels = colors(4, 5, 3)
    image = load_image(str(stored(tmp_path, pixels)))
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, (pixels / 255).astype(np.float32))


def test_gray_is_read_as_three_channels_or_one(tmp_path):
    pixels = colors(4, 5)
    path = stored(tmp_path, pixels)
    wanted = (pixels / 255).astype(np.float32)[:, :, np.newaxis]
    np.testing.assert_array_equal(load_image(path), np.tile(wanted, (1, 1, 3)))
    np.testing.assert_array_equal(load_image(path, color=False), wanted)


def test_colors_become_gray_by_their_weights(tmp_path):
    pixels = np.zeros((1, 4, 3), np.uint8)
    pixels[0, :3] = np.eye(3) * 255
    pixels[0, 3] = 255
    gray = load_image(stored(tmp_path, pixels), color=False)
    assert gray.shape == (1, 4, 1)
    np.testing.assert_allclose(gray[0, :, 0], [0.2125, 0.7154, 0.0721, 1], rtol=1e-6)


def test_sixteen_bits_are_fractions_too(tmp_path):
    pixels = np.array([[0, 1, 256, 65535]], np.uint16)
    image = load_image(stored(tmp_path, pixels), color=False)
    np.testing.assert_array_equal(image[0, :, 0], (pixels[0] / 65535).astype(np.float32))


def test_alpha_is_dropped(tmp_path):
    pixels = colors(4, 5, 4)
    image = load_image(stored(tmp_path, pixels))
    np.testing.assert_array_equal(image, (pixels[:, :, :3] / 255).astype(np.float32))
    gray = load_image(stored(tmp_path, pixels[:, :, :2], "gray.png"))
    np.testing.assert_array_equal(gray, np.tile((pixels[:, :, :1] / 255).astype(np.float32), (1, 1, 3)))


def test_palettes_bits_and_floats(tmp_path):
    pixels = colors(4, 5, 3) // 51 * 51  # colors that the web palette has
    for name, options in (("palette.png", {}), ("clear.png", {"transparency": 3}), ("palette.gif", {})):
        image = load_image(stored(tmp_path, pixels, name, "P", **options))
        np.testing.assert_allclose(image, pixels / 255, atol=1e-6)
    bits = colors(4, 5) > 100
    np.testing.assert_array_equal(load_image(stored(tmp_path, bits, "bits.png"), color=False)[:, :, 0], bits)
    floats = random(4, 5)
    np.testing.assert_array_equal(load_image(stored(tmp_path, floats, "f.tif"), color=False)[:, :, 0], floats)
    with pytest.raises(CaffeFormatError, match="between -1 and 1"):
        load_image(stored(tmp_path, floats + 2, "out.tif"))


def test_an_open_file_is_read_too(tmp_path):
    path = stored(tmp_path, colors(4, 5, 3))
    np.testing.assert_array_equal(load_image(io.BytesIO(path.read_bytes())), load_image(path))


def test_damaged_pictures_are_named(tmp_path):
    whole = stored(tmp_path, colors(40, 50, 3)).read_bytes()
    for name, content in (("cut.png", whole[:2000]), ("junk.jpg", b"junk"), ("empty.png", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CaffeFormatError, match=name) as caught:
            load_image(tmp_path / name)
        assert isinstance(caught.value, OSError)  # what pycaffe's scripts catch
    with pytest.raises(FileNotFoundError, match=r"none\.png: no such file"):
        load_image(tmp_path / "none.png")
    with pytest.raises(CaffeFormatError, match="folder"):
        load_image(tmp_path)


def test_a_picture_that_claims_too_many_pixels_is_refused(tmp_path, monkeypatch):
    path = stored(tmp_path, colors(40, 50, 3))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 900)
    with pytest.raises(CaffeFormatError, match=r"picture\.png.*decompression bomb"):
        load_image(path)
