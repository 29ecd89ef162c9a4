"""The three modifications of Sec. 3.5."""

import numpy as np
import pytest

from dgnam.data.modifications import MODIFICATIONS, blurred, brg, modify, shuffled
from dgnam.errors import DgnamError

DRAW = np.random.default_rng(0)
IMAGES = DRAW.integers(0, 256, (60, 8, 64, 3)).astype(np.uint8)


def quarters(image: np.ndarray) -> list[bytes]:
    height, width = image.shape[0] // 2, image.shape[1] // 2
    corners = ((0, 0), (0, width), (height, 0), (height, width))
    return [image[top : top + height, left : left + width].tobytes() for top, left in corners]


def test_shuffled_pictures_have_the_same_quarters_in_another_order():
    mixed = shuffled(IMAGES)
    orders = set()
    for before, after in zip(IMAGES, mixed, strict=True):
        parts = quarters(before)
        order = tuple(parts.index(part) for part in quarters(after))
        assert sorted(order) == [0, 1, 2, 3]
        assert order != (0, 1, 2, 3)
        orders.add(order)
    assert len(orders) > 15, "of 23 orders"
    some = [3, 50, 7]
    assert np.array_equal(mixed[some], shuffled(IMAGES[some], some))


def test_pictures_without_quarters_are_refused():
    with pytest.raises(DgnamError, match="pictures of 7x64 have no quarters"):
        shuffled(IMAGES[:, :7])


def test_brg_puts_blue_where_red_was_shown():
    orange = np.array([[[[250, 130, 10]]]], np.uint8)
    assert brg(orange).tolist() == [[[[10, 250, 130]]]]


def test_blur_is_a_gaussian_of_three_pixels_at_256():
    """A single bright pixel spreads to a Gaussian: of 3/4 pixel at 64 px, of 3 pixels at 256 px."""
    for side in (64, 256):
        points = np.zeros((1, side, side, 3), np.uint8)
        middle = side // 2
        points[0, :, middle] = 255  # a line, so that enough of it is left to measure
        line = blurred(points)[0, middle, :, 0].astype(float)
        at = np.arange(side) - middle
        sigma = np.sqrt((line * at**2).sum() / line.sum())
        assert sigma == pytest.approx(3 * side / 256, rel=0.06)
        assert line.sum() == pytest.approx(255, rel=0.03)


def test_every_modification_keeps_shape_and_type_and_leaves_its_input():
    before = IMAGES.copy()
    for how in MODIFICATIONS:
        changed = modify(IMAGES, how)
        assert (changed.shape, changed.dtype) == (IMAGES.shape, np.uint8)
        assert not np.array_equal(changed, IMAGES)
    assert np.array_equal(before, IMAGES)


def test_an_unknown_modification_lists_the_known():
    with pytest.raises(DgnamError, match="no modification 'blurr'; there are: blur, "):
        modify(IMAGES, "blurr")
