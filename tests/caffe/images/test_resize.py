"""Resizing pictures: by hand, and against scikit-image and scipy where they are installed."""

import sys

import numpy as np
import pytest

from dgnam.caffe.images.resize import resize, resize_image
from dgnam.errors import MissingPackageError

RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.random(shape).astype(np.float32)


def colors(*shape):
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def test_resizing_is_linear_between_centers_and_the_least_value_outside():
    row = np.array([2.0, 6.0]).reshape(1, 2, 1)
    np.testing.assert_allclose(resize_image(row, (1, 4))[0, :, 0], [2, 3, 5, 5])
    np.testing.assert_allclose(resize_image(row.transpose(1, 0, 2), (4, 1))[:, 0, 0], [2, 3, 5, 5])


def test_shrinking_takes_points_and_not_means():
    row = np.array([0.0, 9, 1, 9, 9, 2]).reshape(1, 6, 1)
    np.testing.assert_allclose(resize_image(row, (1, 2))[0, :, 0], [9, 9], rtol=1e-6)


def test_resizing_keeps_the_range_of_any_type():
    for image in (colors(5, 6, 3), random(5, 6, 3) * 1000 - 500, RNG.random((5, 6, 1)), colors(5, 6, 1) > 99):
        out = resize_image(image, (5, 6))
        assert out.dtype == np.float32
        np.testing.assert_allclose(out, image, rtol=1e-5, atol=1e-4)


def test_constant_pictures_stay_so():
    for channels in (1, 3):
        out = resize_image(np.full((2, 3, channels), 7, np.uint8), (4, 5))
        assert out.dtype == np.float32
        np.testing.assert_array_equal(out, np.full((4, 5, channels), 7))


@pytest.mark.parametrize("size", [(20, 31), (3, 40), (1, 1), (9, 7)])
@pytest.mark.parametrize("order", [1, 0, 3])
def test_resizing_is_what_scikit_image_does_without_anti_aliasing(size, order):
    transform = pytest.importorskip("skimage.transform", reason="scikit-image is not installed")
    image = random(9, 7, 3)
    if order == 3:  # newer versions of its resize have splines; its warp is as it was
        matrix = np.diag([7 / size[1], 9 / size[0], 1])
        matrix[:2, 2] = (7 / size[1] - 1) / 2, (9 / size[0] - 1) / 2
        wanted = transform.warp(
            image.astype(float), matrix, output_shape=size, order=3, mode="constant", cval=image.min()
        )
        wanted = np.clip(wanted, image.min(), image.max())
    else:
        wanted = transform.resize(image, size, order=order, mode="constant", cval=image.min(), anti_aliasing=False)
    np.testing.assert_allclose(resize_image(image, size, interp_order=order), wanted, atol=1e-6)


@pytest.mark.parametrize("channels", [2, 4])
def test_other_channels_are_zoomed_with_their_corners_kept(channels):
    pytest.importorskip("scipy.ndimage", reason="scipy is not installed")
    image = random(4, 5, channels)
    out = resize_image(image, (7, 9))
    assert out.shape == (7, 9, channels)
    np.testing.assert_allclose(out[::2, ::2], image, atol=1e-6)  # 7 = 2 * 4 - 1: each second pixel is an old one
    np.testing.assert_allclose(out[1, 0], (image[0, 0] + image[1, 0]) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "image"), [((0, 3), random(4, 5, 3)), ((2, 3), random(4, 5)), ((2, 3), random(0, 5, 3))]
)
def test_sizes_that_can_not_be(size, image):
    with pytest.raises(ValueError, match="size"):
        resize_image(image, size)


def test_packages_that_are_not_there_are_named(monkeypatch):
    for name in ("skimage.transform", "scipy.ndimage"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingPackageError, match="pip install scikit-image"):
        resize_image(random(4, 5, 3), (2, 2), interp_order=3)
    with pytest.raises(ImportError, match="pip install scipy"):
        resize_image(random(4, 5, 2), (2, 2))


def test_resize_is_scikit_image_s_with_its_old_defaults():
    pytest.importorskip("skimage.transform", reason="scikit-image is not installed")
    image = colors(4, 6, 3)
    out = resize(image, (2, 2, 3))
    middle = image[:, [1, 4]].reshape(2, 2, 2, 3).mean(1) / 255  # of three columns the middle one, of two rows both
    np.testing.assert_allclose(out, middle)
    row = np.array([[0.0, 2]])
    np.testing.assert_allclose(resize(row, (1, 4)), [[0, 0.5, 1.5, 1.5]])  # zero outside
    np.testing.assert_allclose(resize(row, (1, 4), mode="edge"), [[0, 0.5, 1.5, 2]])
