"""What experiments work with: units at each scale, judges and what they see, and the table of pictures."""

import sys
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dgnam.am import released
from dgnam.api.targets import open_target
from dgnam.errors import DgnamError
from dgnam.experiments import EXPERIMENTS, find_experiments, reproduce
from dgnam.experiments.context import Context, evenly, mean_and_ends
from dgnam.experiments.execution import _lines
from dgnam.experiments.fig1_output_units import EXPERIMENT
from dgnam.experiments.pictures import Pictures
from dgnam.measure import Verdict

context_module = import_module("dgnam.experiments.context")

AS_IT_IS = {"weights": None, "labels": None, "labels_layer": None, "mean": None, "channels": "BGR"}
"""Of a target that is opened without options."""


def context(units=None, scale="full", target=None):
    arguments = {"units": units, "scale": scale, "target": target, "seed": 3, **AS_IT_IS}
    return Context(EXPERIMENT, EXPERIMENT.models["mini"], arguments)


@pytest.mark.parametrize(("scale", "count", "seeds"), [("smoke", 4, 1), ("small", 200, 1), ("full", 200, 5)])
def test_the_scale_is_how_many_units_and_seeds(scale, count, seeds):
    made = context(scale=scale)
    assert (len(made.units), made.units[0], made.units[-1]) == (count, 0, 199)
    assert made.seeds == list(range(3, 3 + seeds))


def test_units_are_spread_evenly_over_both_halves():
    chosen = evenly(range(200), 20)
    assert (len(chosen), chosen[0], chosen[-1]) == (20, 0, 199)
    assert set(np.diff(chosen)) <= {10, 11}
    assert 5 < sum(unit % 2 for unit in chosen) < 15


class FakeJudge:
    """Ranks the class of each image as many places down as its index says."""

    def rank(self, images, classes):
        return Verdict(np.array(classes), -np.array(classes, float))


def pictures(units, seeds=(0,)):
    count = len(units) * len(seeds)
    return Pictures(np.zeros((count, 3, 56, 56), np.float32), units, seeds, np.ones((len(units), len(seeds))))


def test_the_outside_judge_sees_the_units_of_odd_index(monkeypatch):
    made = context()
    monkeypatch.setattr(Context, "judges", {"outside": FakeJudge(), "judge-mini": FakeJudge()})
    verdicts = made.judge("step", pictures([1, 2, 3, 4, 9], (0, 7)))
    assert verdicts["outside"].ranks.tolist() == [[1, 1], [3, 3], [9, 9]]
    assert verdicts["judge-mini"].ranks.shape == (5, 2)
    rows = made.table().splitlines()
    assert rows[0] == (
        "step,unit,seed,activation,outside rank,outside log probability,judge-mini rank,judge-mini log probability"
    )
    assert rows[1] == "step,1,0,1,1,-1,1,-1"
    assert rows[3] == "step,2,0,1,,,2,-2"


def test_a_judge_is_not_asked_about_its_own_pictures(monkeypatch):
    monkeypatch.setattr(Context, "judges", {"outside": FakeJudge(), "judge-mini": FakeJudge()})
    assert list(context().judge("step", pictures([1, 3]), own="outside")) == ["judge-mini"]


def test_another_network_s_units_of_the_same_classes():
    target, units = context([0, 3, 199]).with_its_classes("net", open_target("googlenet-mini"))
    assert units == [0, 3, 199]
    assert target.target.size == (56, 56)
    assert target.scores.startswith("net.")


def test_a_judge_that_sees_none_of_the_units_says_nothing(monkeypatch):
    monkeypatch.setattr(Context, "judges", {"outside": FakeJudge()})
    assert context().judge("step", pictures([2, 4])) == {}


def test_without_the_extra_the_outside_judge_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    made = context([1, 2])
    assert list(made.judges) == ["judge-mini"]
    lines = _lines(made, {"dgn_am": {"judge_top1": 0.5}, "pixels": {"judge_top1": 0.0}})
    assert lines[1].split() == ["dgn_am", "50.0%"]
    assert lines[-1].endswith("it is not installed: pip install 'dgnam[judge]'")


def test_judges_of_other_classes_are_left_out():
    assert context([1], target="places-alexnet-mini").judges == {}


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


@pytest.mark.parametrize(
    ("judges", "how"), [({"judge-mini": FakeJudge()}, {"judge"}), ({"outside": FakeJudge()}, {"score"}), ({}, None)]
)
def test_settings_are_tuned_by_the_first_judge_on_other_units(monkeypatch, tmp_path, judges, how):
    given = {}

    def tune(target, objectives, **options):
        given.update(options, objectives=objectives)
        return SimpleNamespace(rows=[SimpleNamespace(settings=released(n_iters=7))])

    monkeypatch.setattr(context_module, "tune", tune)
    monkeypatch.setattr(Context, "judges", judges)
    made = context(units=[0, 2, 199])
    own = {"prior": None, "prior_weights": None, "device": "cpu", "executor": "local", "progress": False}
    made.arguments = {**made.arguments, **own}
    made.begun = SimpleNamespace(path=tmp_path)
    found = made.tuned("tuned")
    if how is None:
        assert (found, given) == (released(), {})
        return
    assert found == released(n_iters=7)
    assert {"judge", "score"} & set(given) == how
    units = {*given["objectives"], given["report_on"]}
    assert len(units) == 9
    assert not units & {"fc8:0", "fc8:2", "fc8:199"}


def test_features_are_of_pictures_of_any_size():
    """judge-mini sees 56 pixels; of the same smooth picture with four times as many it sees about the same."""

    def waves(side):
        x = np.linspace(0, 1, side, endpoint=False, dtype=np.float32) + 0.5 / side
        rows = [np.sin(2 * np.pi * k * x)[:, None] * np.cos(2 * np.pi * (4 - k) * x) for k in (1, 2, 3)]
        return np.stack([60 * np.stack([row, -row, row]) for row in rows])

    small, large = waves(56), waves(224)
    ours, theirs = context().features(small), context().features(large)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 0.05 * np.abs(ours - ours.mean(0)).max()
    assert len(context().features(np.concatenate([small] * 50))) == 150


def test_a_part_of_a_picture_is_compared_at_the_judge_s_size():
    images = np.zeros((2, 3, 227, 227), np.float32)
    images[:, :, :100, :100] = 50
    part = context().features(images, lambda shown: shown[:, :, :100, :100])
    assert np.allclose(part, context().features(np.full((2, 3, 56, 56), 50, np.float32)), atol=1e-4)
    assert not np.allclose(part, context().features(images), atol=1e-2)


def test_pictures_of_another_size_are_resized_before_the_crop(tmp_path):
    (tmp_path / "tinyimagenet64").mkdir()
    for side, name in ((64, "a"), (128, "b")):
        Image.fromarray(np.full((side, side, 3), side, np.uint8)).save(tmp_path / "tinyimagenet64" / f"{name}.png")
    (tmp_path / "tinyimagenet64" / "val.txt").write_text("a.png 0\nb.png 1\n")
    made = context()
    made.arguments = {**made.arguments, "data": tmp_path}
    shown, labels = made.shown(made.held_out)
    assert shown.shape == (2, 56, 56, 3)
    assert shown[:, 0, 0, 0].tolist() == [64, 128]
    assert labels.tolist() == [0, 1]


def test_an_overview_has_units_across_and_steps_down(monkeypatch):
    """Networks of different sizes have one."""
    made, sheets = context([1, 2]), []
    monkeypatch.setattr(Context, "_figure", lambda self, name, drawn: None)
    monkeypatch.setattr(context_module, "labeled_grid", lambda *given, **how: sheets.append((given, how)))
    larger = Pictures(np.zeros((2, 3, 60, 60), np.float32), [1, 2], [0])
    made.overview({"dgn_am": pictures([1, 2]), "random_codes": larger})
    ((shown, labels), how), *rest = sheets
    assert [picture.shape for picture in shown] == [(56, 56, 3)] * 2 + [(60, 60, 3)] * 2
    assert not any(labels)
    assert (how["across"], how["down"]) == ([made.labels[1], made.labels[2]], ["DGN-AM", "random codes"])
    assert (how["columns"], rest) == (2, [])


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
