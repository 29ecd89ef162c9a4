"""What experiments show, and which are found and blocked."""

from importlib import import_module

import numpy as np
import pytest

from dgnam.api.load import load
from dgnam.errors import DgnamError
from dgnam.experiments import EXPERIMENTS, find_experiments, reproduce
from dgnam.experiments.context import Context, mean_and_ends
from dgnam.experiments.pictures import Pictures
from tests.experiments.an_experiment import context, pictures

context_module = import_module("dgnam.experiments.context")


def test_pictures_of_some_units():
    made = Pictures(np.arange(6, dtype=np.float32).reshape(6, 1, 1, 1), [5, 7, 9], (0, 1), np.arange(6).reshape(3, 2))
    some = made.of_units([9, 5])
    assert some.images.ravel().tolist() == [4, 5, 0, 1]
    assert some.classes.tolist() == [9, 9, 5, 5]
    assert some.measured.tolist() == [[4, 5], [0, 1]]
    assert made.first.ravel().tolist() == [0, 2, 4]


def test_experiments_by_section_and_all():
    assert [one.name for one in find_experiments("3.3")] == ["sec3_3_architectures"]
    assert len(find_experiments("3.1")) == 4
    assert len(find_experiments("all")) == len(EXPERIMENTS)
    with pytest.raises(DgnamError, match=r"there is no experiment '3\.9'"):
        find_experiments("3.9")


def test_what_needs_real_pictures_says_so(monkeypatch, tmp_path):
    monkeypatch.delenv("DGNAM_DATA", raising=False)
    outcome = reproduce("beyond_path", output=tmp_path, progress=False)
    assert outcome.blocked.startswith("beyond_path is blocked: it needs real pictures: give --data DIR")
    assert not list(tmp_path.iterdir())


def test_what_was_never_published_is_blocked(tmp_path):
    outcome = reproduce("sec3_5_modified_data", models="paper", output=tmp_path, progress=False)
    assert outcome.blocked.startswith("sec3_5_modified_data is blocked: the paper's three networks")
    assert not list(tmp_path.iterdir())


def test_what_has_no_networks_of_128_px_is_blocked(tmp_path):
    outcome = reproduce("fig1", models="128", output=tmp_path, progress=False)
    assert outcome.blocked == "fig1 is blocked: its small models are of 64 px: --models mini"
    assert not list(tmp_path.iterdir())


def test_scenes_are_made_at_128_px_without_a_verdict_on_what_their_prior_did_not_learn(tmp_path):
    outcome = reproduce("sec3_2_places", models="128", scale="smoke", folder=tmp_path, progress=False)
    assert load(outcome.folder / "dgn_am").images.shape == (4, 112, 112, 3)
    assert outcome.numbers["findings"] == {}
    assert all(outcome.numbers[step]["scene_judge_top5"] is not None for step in ("dgn_am", "random_codes", "pixels"))


def test_an_overview_has_units_across_and_steps_down(monkeypatch):
    """Networks of different sizes have one."""
    made, sheets = context([1, 2]), []
    monkeypatch.setattr(Context, "_figure", lambda self, name, drawn: None)
    monkeypatch.setattr(context_module, "labeled_grid", lambda *given, **how: sheets.append((given, how)))
    larger = Pictures(np.zeros((2, 3, 60, 60), np.float32), [1, 2], [0])
    made.overview({"dgn_am": pictures([1, 2]), "random_codes": larger}, "several networks")
    ((shown, labels), how), *rest = sheets
    assert [picture.shape for picture in shown] == [(56, 56, 3)] * 2 + [(60, 60, 3)] * 2
    assert not any(labels)
    assert (how["across"], how["down"]) == ([made.labels[1], made.labels[2]], ["DGN-AM", "random codes"])
    assert (how["columns"], rest) == (2, [])
    assert how["title"].startswith("Preferred images, several networks (")


@pytest.mark.parametrize(("count", "columns"), [(22, 11), (40, 20), (3, 3), (50, 17), (200, 20)])
def test_rows_of_a_figure_are_equally_long(count, columns, monkeypatch):
    layouts = []
    monkeypatch.setattr(Context, "_figure", lambda self, name, drawn: None)
    monkeypatch.setattr(context_module, "labeled_grid", lambda *given, **how: layouts.append(how["columns"]))
    context().show("some", np.zeros((count, 3, 8, 8), np.float32), [""] * count, "Some")
    assert layouts == [columns]


def test_plots_have_the_mean_with_its_interval_or_the_median_with_its_quartiles(monkeypatch):
    drawn = []
    monkeypatch.setattr(Context, "_figure", lambda self, name, drawn: None)
    monkeypatch.setattr(context_module, "draw_estimates", lambda *given, **words: drawn.append((*given, words)))
    series = {"ours": {"conv1": np.array([1.0, 2, 3, 10]), "fc6": np.array([[1.0, 3], [2.0, 4]])}}
    context().plot_means("a", series, across="layer", upwards="value")
    context().plot_quartiles("b", {"ours": {"conv1": series["ours"]["conv1"]}}, across="layer", upwards="value")
    (means, layers, words), (quartiles, _, _) = drawn
    assert (layers, words) == (["conv1", "fc6"], {"across": "layer", "upwards": "value"})
    assert [estimate[0] for estimate in means["ours"]] == [4, 2.5]
    assert means["ours"][0][1] < 4 < means["ours"][0][2]
    assert quartiles["ours"][0].tolist() == [2.5, 1.75, 4.75]


def test_a_single_unit_has_no_interval():
    value, *ends = mean_and_ends(np.array([[1.0, 3.0]]))
    assert value == 2
    assert np.isnan(ends).all()


@pytest.mark.parametrize("series", [{}, {"ours": {}, "pixels": {}}])
def test_without_judges_or_layers_nothing_is_plotted(series):
    made = context()
    made.plot_means("a", series, across="layer", upwards="value")
    made.plot_quartiles("b", series, across="layer", upwards="value")
    made.plot_pairs("c", {}, across="activation", upwards="value")
    assert made.figures == []
