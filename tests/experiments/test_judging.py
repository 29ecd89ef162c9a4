"""Judges and what they see, the table of pictures, settings that are tuned, and features."""

import sys
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

from dgnam.am import released
from dgnam.data.preprocessing import MEAN_BGR
from dgnam.errors import DgnamError
from dgnam.experiments.context import Context
from dgnam.experiments.execution import _lines
from tests.experiments.an_experiment import FakeJudge, context, pictures

judging_module = import_module("dgnam.experiments.judging")


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


def test_measures_stand_beside_what_judges_say(monkeypatch):
    made = context()
    monkeypatch.setattr(Context, "judges", {"judge-mini": FakeJudge()})
    made.judge("step", pictures([1, 3], (0, 7)))
    made.tabulate("step", [1, 3], (0, 7), {"drop": np.array([[0.5, 1], [2, 3]])})
    made.tabulate("pairs", ["1 and 3"], (0,), {"kept": np.array([0.25])})
    assert made.table().splitlines() == [
        "step,unit,seed,activation,judge-mini rank,judge-mini log probability,drop,kept",
        *("step,1,0,1,1,-1,0.5,", "step,1,7,1,1,-1,1,", "step,3,0,1,3,-3,2,", "step,3,7,1,3,-3,3,"),
        "pairs,1 and 3,0,,,,,0.25",
    ]


def test_two_sets_of_pictures_do_not_go_by_one_step(monkeypatch):
    made = context()
    monkeypatch.setattr(Context, "judges", {"judge-mini": FakeJudge()})
    made.judge("step", pictures([1, 3]))
    with pytest.raises(DgnamError, match="step 'step', unit 3, seed 0: its activation is in the table already"):
        made.judge("step", pictures([3]))


def test_a_judge_is_not_asked_about_its_own_pictures(monkeypatch):
    monkeypatch.setattr(Context, "judges", {"outside": FakeJudge(), "judge-mini": FakeJudge()})
    assert list(context().judge("step", pictures([1, 3]), own="outside")) == ["judge-mini"]


def test_a_judge_that_sees_none_of_the_units_says_nothing(monkeypatch):
    monkeypatch.setattr(Context, "judges", {"outside": FakeJudge()})
    assert context().judge("step", pictures([2, 4])) == {}


def test_without_the_extra_the_outside_judge_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    made = context([1, 2])
    assert list(made.judges) == ["judge-mini"]
    lines = _lines(made, {"units": 2, "dgn_am": {"judge_top1": 0.5}, "pixels": {"judge_top1": 0.0}})
    assert lines[1].split() == ["dgn_am", "50.0%"]
    assert lines[-1].endswith("it is not installed: pip install 'dgnam[judge]'")


def test_judges_of_other_classes_are_left_out():
    assert context([1], target="places-alexnet-mini").judges == {}


@pytest.mark.parametrize(
    ("judges", "how"),
    [
        ({"judge-mini": FakeJudge()}, {"judge"}),
        ({"judge-mini": FakeJudge(), "outside": FakeJudge()}, {"score"}),
        ({}, None),
    ],
)
@pytest.mark.parametrize(("scale", "count"), [("small", 4), ("full", 8)])
def test_settings_are_tuned_by_the_outside_judge_on_other_units(monkeypatch, tmp_path, judges, how, scale, count):
    given = {}

    def tune(target, objectives, **options):
        given.update(options, objectives=objectives)
        return SimpleNamespace(rows=[SimpleNamespace(settings=released(n_iters=7))])

    monkeypatch.setattr(judging_module, "tune", tune)
    monkeypatch.setattr(Context, "judges", judges)
    made = context(units=[0, 2, 199])
    own = {
        "prior": None,
        "prior_weights": None,
        "device": "cpu",
        "executor": "local",
        "progress": False,
        "scale": scale,
    }
    made.arguments = {**made.arguments, **own}
    made.begun = SimpleNamespace(path=tmp_path)
    found = made.tuned("tuned")
    if how is None:
        assert (found, given) == (released(), {})
        return
    assert found == released(n_iters=7)
    assert {"judge", "score"} & set(given) == how
    units = {*given["objectives"], given["report_on"]}
    assert len(given["objectives"]) == count
    assert len(units) == 1 + count
    assert not given["compare"]
    assert all(int(unit.removeprefix("fc8:")) % 2 == 0 for unit in given["objectives"])
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


@pytest.mark.parametrize("side", [56, 112])
def test_values_that_no_picture_has_are_clipped_before_anything_else(side):
    images = np.zeros((1, 3, side, side), np.float32)
    images[:, :, : side // 3] = 5000  # not at a pixel's edge of the judge's
    white = np.where(images > 0, 255 - np.reshape(MEAN_BGR, (3, 1, 1)), images).astype(np.float32)
    assert np.allclose(context().features(images), context().features(white), atol=1e-4)
