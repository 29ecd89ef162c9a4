"""Curves of activations."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dgnam.errors import DgnamError, MissingPackageError

pytest.importorskip("matplotlib")

from dgnam.figures import draw_traces, save_traces

BLUE, ORANGE = (31, 119, 180), (255, 127, 14)  # the first two colours


def has(picture, colour):
    return (np.abs(picture.astype(int) - colour).max(-1) < 12).sum() > 20


def test_names_of_any_characters_are_in_the_legend(drawn):
    names = ["_fc:1", "caf\udce9", "$x$"]
    draw_traces(np.zeros((3, 4)), names, title="caf\udce9", size=(4, 3), dpi=100)
    (legend,) = drawn[0].legends
    assert [text.get_text() for text in legend.get_texts()] == [" _fc:1", "caf\\udce9", "$x$"]
    draw_traces(np.zeros((2, 4)), ["a", "b"], groups=["_x", "_y"], size=(4, 3), dpi=100)
    assert [text.get_text() for text in drawn[1].legends[0].get_texts()] == [" _x", " _y"]


def test_a_line_to_each_job_up_to_its_last_step(drawn):
    traces = np.array([[0.0, 1, 2, 3], [5.0, 4, np.nan, np.nan]], np.float32)
    picture = draw_traces(traces, ["fc8:1", "fc8:2"], of="fc8", size=(4, 3), dpi=100)
    assert picture.shape == (300, 400, 3)
    assert picture.dtype == np.uint8
    assert has(picture, BLUE)
    assert has(picture, ORANGE)
    (axes,) = drawn[0].axes
    first, second = axes.lines
    assert list(first.get_xdata()) == [0, 1, 2, 3]
    assert list(second.get_ydata()) == [5, 4]
    assert axes.get_xlabel() == "step"
    assert axes.get_ylabel() == "activation of fc8"
    (legend,) = drawn[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["fc8:1", "fc8:2"]
    assert legend.get_window_extent().x0 > axes.get_window_extent().x1, "it covers lines"


def test_one_name_goes_to_the_axis_and_needs_no_legend(drawn):
    draw_traces([[1.0, 2]], ["fc8:643"])
    (axes,) = drawn[0].axes
    assert axes.get_ylabel() == "activation of fc8:643"
    assert not drawn[0].legends


def test_a_long_title_stays_within_the_figure(drawn):
    draw_traces([[1.0, 2], [2.0, 1]], ["a", "b"], title="copies have low ratios " * 5, size=(4, 3))
    (title,), (legend,) = drawn[0].texts, drawn[0].legends
    x0, _, x1, _ = title.get_window_extent().extents
    assert x0 >= 0
    assert x1 <= drawn[0].bbox.x1
    assert legend.get_window_extent().y1 < title.get_window_extent().y0


def test_medians_of_groups_are_told_on_the_axis(drawn):
    draw_traces([[1.0, 2]] * 12, ["fc8:643"] * 12, groups=["a"] * 6 + ["b"] * 6)
    assert drawn[0].axes[0].get_ylabel() == "activation of fc8:643: medians, quartiles"
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["a", "b"]


def test_many_jobs_are_a_band_of_those_that_still_move(drawn):
    traces = np.add.outer(np.arange(21.0), np.zeros(5))
    traces[:20, 3:] = np.nan
    picture = draw_traces(traces, [f"fc8:{k}" for k in range(21)])
    assert has(picture, BLUE)
    (axes,) = drawn[0].axes
    (median,) = axes.lines
    assert list(median.get_ydata()) == [10, 10, 10, 20, 20]
    outer, inner = (band.get_paths()[0].vertices[:, 1] for band in axes.collections)
    assert (outer.min(), outer.max()) == (0, 20)
    assert inner.min() == 5
    assert axes.get_ylabel() == "activation"


def test_a_name_with_a_dollar_is_no_formula():
    draw_traces([[1.0, 2], [2.0, 1]], ["a$_b", "c$\\frac"], of="$\\nonsense$", title="$x")


def test_a_single_step_shows_a_dot():
    assert has(draw_traces([[1.0]], ["fc8:1"]), BLUE)


def test_the_same_bytes_each_time_without_a_date(tmp_path):
    for name in ("a.png", "b.png"):
        save_traces(tmp_path / name, [[1.0, 2, 3]], ["fc8:1"])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        assert image.info == {}


def test_pyplot_stays_out_of_it():
    code = """
import sys
from dgnam.figures import draw_traces
assert "matplotlib" not in sys.modules
draw_traces([[1.0, 2]], ["a"])
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("traces", "names", "options", "words"),
    [
        ([], [], {}, "0 traces and 0 names"),
        ([[1.0]], ["a", "b"], {}, "1 traces and 2 names"),
        ([[np.nan, np.nan]], ["a"], {}, "nothing to draw"),
        ([[1.0, np.inf]], ["a"], {}, "trace of a is infinite at step 1"),
        (np.zeros((1, 2, 2)), ["a"], {}, r"trace of a has shape \(2, 2\)"),
        ([[1.0]], ["a"], {"dpi": 0}, "1 to 20000 pixels"),
        ([[1.0]], ["a"], {"size": (np.nan, 1)}, "1 to 20000 pixels"),
    ],
)
def test_bad_input(traces, names, options, words):
    with pytest.raises(DgnamError, match=words):
        draw_traces(traces, names, **options)


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPackageError, match="pip install matplotlib"):
        draw_traces([[1.0]], ["a"])
