"""Pictures of different sizes in one."""

import numpy as np
import pytest

from dgnam.figures import padded, tile
from dgnam.figures.caption import PAPER
from dgnam.figures.tiles import OUTSIDE


@pytest.mark.parametrize(("size", "inner"), [((8, 8), (8, 8)), ((4, 8), (4, 8)), ((2, 1), (8, 4)), ((16, 4), (8, 2))])
def test_a_tile_keeps_proportions_in_the_middle(size, inner):
    made = tile(np.full((*size, 3), 7, np.uint8), (8, 8))
    assert made.shape == (8, 8, 3)
    rows, columns = np.where((made == 7).all(2))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == inner
    assert abs((rows.min()) - (7 - rows.max())) <= 1
    outside = made[(made != 7).any(2)]
    assert (outside == PAPER).all()


def test_padding_is_gray_around_the_picture():
    made = padded(np.full((2, 3, 3), 7, np.uint8), (5, 6), 1, 2)
    assert (made[1:3, 2:5] == 7).all()
    assert ((made == OUTSIDE).all(2).sum(), made.shape) == (5 * 6 - 6, (5, 6, 3))
