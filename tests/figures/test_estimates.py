"""Numbers with intervals by category, and pairs of numbers."""

import numpy as np
import pytest

from dgnam.errors import DgnamError

pytest.importorskip("matplotlib")

from dgnam.figures import draw_estimates, draw_pairs

WORDS = {"across": "layer", "upwards": "similarity", "title": "a $ b"}
SERIES = {"ours": [[1.0, 0.5, 2.0], [3.0, 2.5, 3.0]], "pixels": np.array([[0.0, -1.0, 0.5], [np.nan] * 3])}


def test_numbers_and_the_ends_of_their_intervals_are_where_they_belong(drawn):
    picture = draw_estimates(SERIES, ["conv1", "fc$6"], **WORDS)
    assert picture.dtype == np.uint8
    assert picture.shape == (600, 960, 3)
    (axes,) = drawn[0].axes
    first, second = axes.containers
    assert [bars.get_label() for bars in (first, second)] == ["ours", "pixels"]
    assert first.lines[0].get_ydata().tolist() == [1, 3]
    intervals = [segment[:, 1].tolist() for segment in first.lines[2][0].get_segments()]
    assert intervals == [[0.5, 2.0], [2.5, 3.0]]
    at = np.array([bars.lines[0].get_xdata() for bars in (first, second)])
    assert np.allclose(at.mean(0), [0, 1])
    assert (at[0] < at[1]).all()
    assert [text.get_text() for text in axes.get_xticklabels()] == ["conv1", "fc$6"]
    assert (axes.get_xlabel(), axes.get_ylabel(), drawn[0].get_suptitle()) == ("layer", "similarity", "a $ b")
    assert np.array_equal(picture, draw_estimates(SERIES, ["conv1", "fc$6"], **WORDS))


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ({"ours": [[1.0, 0.5, 2.0]]}, r"estimates 'ours' have shape \(1, 3\): give a number .* each of 2 categories"),
        ({"ours": [[1.0, 2.0]] * 2}, r"estimates 'ours' have shape \(2, 2\)"),
        ({"ours": np.full((2, 3), np.nan)}, "nothing to draw"),
        ({}, "nothing to draw"),
    ],
)
def test_estimates_that_cannot_be_drawn(series, message):
    with pytest.raises(DgnamError, match=message):
        draw_estimates(series, ["a", "b"], **WORDS)


def test_pairs_are_points_and_those_with_a_nan_are_left_out(drawn):
    draw_pairs({"one": (np.array([1.0, 2, np.nan]), np.array([3.0, 4, 5])), "two": ([0.0], [7.0])}, **WORDS)
    (axes,) = drawn[0].axes
    one, two = axes.lines
    assert one.get_xydata().tolist() == [[1, 3], [2, 4]]
    assert two.get_xydata().tolist() == [[0, 7]]
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["one", "two"]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (([1.0, 2.0], [1.0]), r"pairs 'x' have shapes \(2,\) and \(1,\)"),
        (([[1.0]], [[1.0]]), r"shapes \(1, 1\)"),
        (([np.nan], [1.0]), "nothing to draw"),
    ],
)
def test_pairs_that_cannot_be_drawn(pairs, message):
    with pytest.raises(DgnamError, match=message):
        draw_pairs({"x": pairs}, **WORDS)
