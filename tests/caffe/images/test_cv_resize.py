"""OpenCV's resizing of bytes: cases worked out by hand, and OpenCV itself where it is installed."""

import numpy as np
import pytest

from dgnam.caffe.images.cv_resize import resize_bilinear
from dgnam.errors import CaffeError
from tests.caffe.made_databases import noise


def row(*values: int) -> np.ndarray:
    return np.array(values, np.uint8).reshape(1, -1, 1)


def test_centers_lie_at_half_and_borders_are_held():
    # Four from two read at -0.25, 0.25, 0.75 and 1.25.
    assert resize_bilinear(row(0, 100), 1, 4).ravel().tolist() == [0, 25, 75, 100]
    assert resize_bilinear(row(0, 100).swapaxes(0, 1), 4, 1).ravel().tolist() == [0, 25, 75, 100]
    # Three from two read at -1/6, 1/2 and 7/6.
    assert resize_bilinear(row(10, 200), 1, 3).ravel().tolist() == [10, 105, 200]


def test_columns_are_cut_to_whole_numbers_on_the_way():
    # The fifth of seven reads at 11/14, 5.5 exactly: 7 * 2048 >> 4 = 896; 896 * 1609 >> 16 = 21; (21 + 2) >> 2 = 5.
    assert resize_bilinear(row(0, 7).swapaxes(0, 1), 7, 1).ravel()[4] == 5


def test_halving_is_the_mean_of_four():
    image = np.array([[1, 2, 9], [3, 5, 9]], np.uint8)[:, :2, None]
    assert resize_bilinear(image, 1, 1).item() == 3  # 11 / 4, rounded
    # Along one side alone it is interpolation.
    assert resize_bilinear(row(10, 20, 30, 50), 1, 2).ravel().tolist() == [15, 40]


def test_the_same_size_and_sizes_that_can_not_be():
    image = noise(5, 7, 3)
    assert np.array_equal(resize_bilinear(image, 5, 7), image)
    for height, width in ((0, 5), (5, -1)):
        with pytest.raises(CaffeError, match=f"5x7 pixels can't be resized to {height}x{width}"):
            resize_bilinear(image, height, width)


def test_it_is_what_opencv_does():
    cv2 = pytest.importorskip("cv2", reason="the comparison needs opencv-python-headless")
    draw = np.random.default_rng(1)
    for k in range(60):
        height, width, rows, columns = draw.integers(1, 70, 4).tolist()
        if k % 6 == 0:
            height, width = 2 * rows, 2 * columns
        image = noise(height, width, [1, 3, 4][k % 3], seed=k)
        expected = cv2.resize(image, (columns, rows)).reshape(rows, columns, -1)
        assert np.array_equal(resize_bilinear(image, rows, columns), expected), (image.shape, rows, columns)
