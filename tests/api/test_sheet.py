"""Sheets of pictures: of a sweep, units and seeds down and settings across."""

import numpy as np
import pytest

import dgnam
from dgnam.am import paper, released
from dgnam.api.sheet import Entry, Sweep, draw_sheet, settings_names
from dgnam.figures import draw_traces

SIDE = 40


def entries(count):
    """Pictures that are told apart by their color; text is gray."""
    return [
        Entry(np.full((SIDE, 60, 3), (k, 200, 90), np.uint8), f"unit {k}", k, f"activation {k}") for k in range(count)
    ]


def places(sheet, count):
    """The row and column of pixels where each picture begins."""
    return [tuple(np.argwhere((sheet == (k, 200, 90)).all(2))[0]) for k in range(count)]


def test_settings_stand_side_by_side():
    """Two objectives, three settings and two seeds, as the jobs of a run come."""
    sweep = Sweep(["l2 0.9", "l2 0.95", "l2 0.99"], 2)
    found = np.array(places(draw_sheet(entries(12), sweep, columns=5, title="A sweep"), 12)).reshape(2, 3, 2, 2)
    rows, columns = found[..., 0], found[..., 1]
    assert (rows == rows[:, :1]).all()  # of a unit and seed, all settings
    assert (columns == columns[:1, :, :1]).all()  # of settings, all units and seeds
    assert sorted(set(rows.ravel())) == list(rows[:, 0].ravel())
    assert len(set(columns.ravel())) == 3


def test_headings_have_room():
    one = draw_sheet(entries(4), Sweep([""], 4), columns=2, title="")
    two = draw_sheet(entries(4), Sweep(["n_iters 2, l2 0.9", "n_iters 3, l2 0.9"], 2), columns=2, title="")
    above, left = places(two, 1)[0]
    assert above >= 2 * 18
    assert left > 30
    assert (two[:above] < 100).any()
    assert (two[:, :left] < 100).any()
    assert places(one, 1)[0] == (4, 4)


@pytest.mark.parametrize("sweep", [None, Sweep([""], 6), Sweep([f"l2 0.{k}" for k in range(21)], 1)])
def test_others_stand_one_after_the_other(sweep):
    rows, columns = np.array(places(draw_sheet(entries(6), sweep, columns=3, title=""), 6)).T
    assert (rows[:3] == rows[0]).all()
    assert (rows[3:] > rows[0]).all()
    assert (columns[:3] == columns[3:]).all()


def test_sheets_hold_whole_objectives():
    assert Sweep(["a", "b", "c"], 7).most_shown == 399
    assert Sweep(["a"], 7).most_shown == 400
    assert not Sweep(["a", "b"], 201).table


def test_settings_are_named_by_what_differs():
    records = [released(start_lr=4).as_dict(), released(l2=0.9).as_dict(), paper(n_iters=100).as_dict()]
    assert settings_names(records) == [
        "n_iters 200, start_lr 4, l2 0.99",
        "n_iters 200, start_lr 8, l2 0.9",
        "n_iters 100, start_lr 8, norm_penalty 0.005",
    ]
    texts = [{key: str(value) for key, value in record.items()} for record in records]
    assert settings_names(texts) == settings_names(records)
    assert settings_names(records[:1]) == [""]


def test_a_runs_grid_is_the_one_in_python_and_of_load(tiny_nets, tmp_path):
    files = {"weights": tiny_nets / "target.h5", "prior": tiny_nets / "generator.prototxt", "progress": False}
    files["prior_weights"] = tiny_nets / "generator.h5"
    how = {"l2": [0.9, 0.99], "n_iters": 2, "seeds": 2, "folder": tmp_path / "run", **files}
    found = dgnam.visualize(tiny_nets / "target.prototxt", ["conv5:2@3", "conv5:3"], **how)
    assert found.captions[0] == "conv5:2@3,3"
    assert np.array_equal(found.grid(), dgnam.load(tmp_path / "run").grid())
    assert found.grid().shape[1] < found.grid(columns=8).shape[1]


def test_traces_are_drawn_by_setting():
    draw = np.random.default_rng(0)
    names = [f"unit {k}" for k in range(40)]
    few, many = draw.random((4, 5)), draw.random((40, 5))
    for rows in (few, many):
        groups = [f"l2 0.{k % 2}" for k in range(len(rows))]
        assert not np.array_equal(
            draw_traces(rows, names[: len(rows)], groups=groups), draw_traces(rows, names[: len(rows)])
        )
    assert draw_traces(many, names, groups=names).shape[2] == 3  # more groups than colors
    same = draw_traces(many, names, groups=["one"] * 40)
    assert np.array_equal(same, draw_traces(many, names))
