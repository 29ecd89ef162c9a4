"""The labeled grid."""

import numpy as np
import pytest

from dgnam.errors import DgnamError
from dgnam.figures import labeled_grid


def pictures(count):
    return [np.full((8, 10, 3), 10 * (k + 1), np.uint8) for k in range(count)]


@pytest.mark.parametrize("wrong", [{"columns": 0}, {"columns": -1}, {"scale": 0}])
def test_no_columns_or_size_is_an_error(wrong):
    with pytest.raises(DgnamError, match="give whole numbers, 1 or more"):
        labeled_grid(pictures(2), ["a", "b"], **{"columns": 2, **wrong})


def test_every_picture_is_there_in_rows():
    grid = labeled_grid(pictures(5), list("abcde"), columns=3, scale=2)
    assert grid.shape[1] == 3 * (10 * 2 + 4) + 4
    for value in (10, 20, 30, 40, 50):
        assert (grid == value).all(2).sum() >= 8 * 10 * 4
    row_of = {v: np.argwhere((grid == v).all(2))[0][0] for v in (10, 30, 40)}
    assert row_of[10] == row_of[30] < row_of[40]


def test_labels_title_and_note_leave_ink_and_long_labels_fit():
    bare = labeled_grid(pictures(1), [""], columns=1)
    labeled = labeled_grid(pictures(1), ["a label that is far too wide"], columns=1)
    full = labeled_grid(pictures(1), ["a label that is far too wide"], columns=1, title="Title", note="note")
    assert labeled.shape[1] == bare.shape[1]
    assert full.shape[0] > labeled.shape[0]
    assert (full < 100).sum() > (labeled < 100).sum() > (bare < 100).sum()


def test_a_label_to_each_picture():
    with pytest.raises(ValueError, match="1 labels for 2 pictures"):
        labeled_grid(pictures(2), ["a"], columns=2)


def test_no_labels_take_no_room():
    assert labeled_grid(pictures(2), ["", ""], columns=2).shape[0] == 4 + 8 + 4 + 4
    assert labeled_grid(pictures(2), ["", "a"], columns=2).shape[0] == 4 + 8 + 18 + 4 + 4


def test_labels_of_several_lines_make_room_for_themselves():
    one = labeled_grid(pictures(2), ["a", "b"], columns=2)
    three = labeled_grid(pictures(2), ["a\nb\nc", "d"], columns=2)
    assert three.shape[0] == one.shape[0] + 2 * 18
    assert (three[-4 - 18 :] < 100).any()  # the third line


def test_a_narrow_grid_is_widened_for_its_title():
    picture = np.zeros((20, 20, 3), np.uint8)
    plain, titled, long = (
        labeled_grid([picture], ["a"], columns=1, title=t) for t in ("", "A longer title", 99 * "x ")
    )
    assert plain.shape[1] < titled.shape[1] < long.shape[1] == 600
