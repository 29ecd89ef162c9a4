"""Modified pictures are restored before judges, who know regular ones, see them."""

import numpy as np
import pytest
from PIL import Image

from dgnam.data.modifications import modify
from dgnam.experiments.quarters import gain_of_order, in_order
from dgnam.experiments.sec3_5_modified_data import RESTORE
from dgnam.measure.judge import Verdict


def smooth(count):
    """Pictures without edges at their middles, each another one."""
    draw = np.random.default_rng(0)
    small = draw.integers(0, 256, (count, 5, 5, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((56, 56), Image.Resampling.BICUBIC)) for one in small])


@pytest.mark.parametrize(("net", "how"), [("cut up", "shuffled"), ("blue, red, green", "brg")])
def test_what_was_modified_is_undone(net, how):
    pictures = smooth(6)
    modified = modify(pictures, how, range(6))
    assert not np.array_equal(modified, pictures)
    assert np.array_equal(RESTORE[net](modified), pictures)


def test_quarters_are_counted_row_by_row():
    picture = np.array([[0, 1], [2, 3]], np.uint8).reshape(1, 2, 2, 1)
    assert in_order(picture, (1, 0, 3, 2)).ravel().tolist() == [1, 0, 3, 2]
    assert in_order(picture, (3, 2, 1, 0)).ravel().tolist() == [3, 2, 1, 0]


class TopLeft:
    """A judge that knows what stands at the top left."""

    def rank(self, images, classes):
        brightness = images[:, :, :2, :2].mean((1, 2, 3)) + 110
        return Verdict(np.ones(len(images)), brightness / 100 + np.array(classes))


def test_what_is_cut_up_gains_by_another_order():
    """Three quarters are black; the white one gains where it is not at the top left already."""
    whole = np.zeros((2, 4, 4, 3), np.uint8)
    whole[0, :2, :2], whole[1, 2:, :2] = 200, 200
    assert gain_of_order(TopLeft(), whole, [0, 7]) == pytest.approx([0, 2])
