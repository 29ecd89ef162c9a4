"""Tuning by a judge or a score of one's own: its files, its units, resumed runs, and one error for what can't be."""

import csv
import json
import os
import signal
from importlib import import_module

import numpy as np
import pytest
from PIL import Image

from dgnam import zoo
from dgnam.am import Unit, paper, released
from dgnam.am.tuning import TuningSpace
from dgnam.am.tuning.trials import read_trial
from dgnam.api.judges import judged_classes
from dgnam.api.targets import open_target
from dgnam.api.tune import _units, tune, tuning_space
from dgnam.api.tune_report import RESULT, SHEET, TABLE, candidate
from dgnam.errors import DgnamError
from dgnam.figures import contact_sheet
from dgnam.runs import Interrupted, Run
from dgnam.runs.index import list_runs
from dgnam.zoo.folders import data_folder

QUICK = {"report_on": "5-6", "n_iters": (1, 3), "trials": 4, "progress": False}


@pytest.fixture(scope="module", autouse=True)
def few_steps():
    """The published settings with three steps, not two hundred."""
    with pytest.MonkeyPatch.context() as patched:
        short = {"released": released(n_iters=3), "paper": paper(n_iters=3)}
        patched.setattr(import_module("dgnam.api.tune"), "published_settings", lambda: short)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished tuning of four trials by the judge."""
    return tune("caffenet-mini", "0,2", folder=tmp_path_factory.mktemp("whole") / "run", **QUICK)


@pytest.fixture
def tiny(tiny_nets):
    """The tiny tiny_nets, and a score that needs no judge."""

    def bright(images, objectives):
        return images.mean((1, 2, 3))

    how = {
        "weights": tiny_nets / "target.h5",
        "prior": tiny_nets / "generator.prototxt",
        "prior_weights": tiny_nets / "generator.h5",
    }
    return {"target": tiny_nets / "target.prototxt", "objective": "fc8:0-1", "score": bright, **how, **QUICK} | {
        "report_on": "fc8:5-6"
    }


def contents(folder):
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in ("events.jsonl", "run.json")]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def test_a_tuning_leaves_its_results_in_a_folder(whole):
    found = json.loads((whole.folder / RESULT).read_text())
    assert found["tuning"] == ["fc8:0", "fc8:2"]
    assert found["held_out"] == ["fc8:5", "fc8:6"]
    rows = {row["name"]: row for row in found["rows"]}
    assert list(rows) == ["best", "released", "paper"]
    with open(whole.folder / TABLE, newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["trial"] for row in table] == list("0123")
    best = max(table, key=lambda row: float(row["score"]))
    assert int(best["trial"]) == found["best_trial"]
    assert float(best["score"]) == rows["best"]["tuning"]["score"]
    assert int(best["n_iters"]) == rows["best"]["settings"]["n_iters"] <= 3
    with Image.open(whole.folder / SHEET) as sheet:
        assert sheet.width > 4 * 56
    output = "\n".join(whole.summary)
    assert f"{rows['best']['held_out']['score']:.3f}" in output
    assert "mean probability of the unit's class by judge-mini" in output
    record = json.loads((whole.folder / "run.json").read_text())
    assert "optuna" in record["environment"]["versions"]
    assert len(record["inputs"]["judge"]["judge-mini/weights.h5"]) == 64
    assert "4 trials, best" in repr(whole)


def test_the_rows_are_those_of_the_result(whole):
    best = max(whole.trials, key=lambda trial: trial.score)
    assert whole.rows[0].settings == best.settings
    assert whole.rows[0].tuning == best.scores
    assert all(0 < score < 1 for trial in whole.trials for score in trial.scores)


def test_the_published_settings_are_compared_only_if_asked_for(tiny, tmp_path):
    found = tune(**tiny, compare=False, folder=tmp_path / "run")
    assert [row.name for row in found.rows] == ["best"]
    assert [row.name for row in tune(**tiny).rows] == ["best", "released", "paper"]
    assert len(found.summary) == 3
    assert vars(found.rows[0]) == vars(tune(**tiny).rows[0])


def test_a_contact_sheet_can_be_drawn_from_the_folder_alone(whole):
    run, space = Run.open(whole.folder), tuning_space((1, 3), (1.0, 32.0, "log"), None, None)
    found = [candidate(read_trial(run, number, space)) for number in range(4)]
    sheet = contact_sheet(found, k=1)
    best = max(found, key=lambda one: one.score)
    assert best.pictures.shape == (2, 56, 56, 3)
    assert (sheet[36 : 36 + 56, 8 : 8 + 56] == best.pictures[0]).all()
    assert best.lines[1].endswith("steps")


def test_eq_1s_norm_takes_the_place_of_l2(tiny, tmp_path):
    found = tune(**tiny, norm_penalty=(0.001, 0.1, "log"), folder=tmp_path / "run")
    header = (tmp_path / "run" / TABLE).read_text().splitlines()[0]
    assert header == "trial,score,activation,n_iters,start_lr,norm_penalty"
    assert all(0.001 <= trial.settings.regularizer.weight <= 0.1 for trial in found.trials)
    assert "mean of a callable" in found.summary[0]


def test_without_a_folder_it_is_the_same(tiny, tmp_path):
    saved, found = tune(**tiny, folder=tmp_path / "run"), tune(**tiny)
    assert found.folder is None
    assert [trial.scores for trial in found.trials] == [trial.scores for trial in saved.trials]
    assert found.rows == saved.rows


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_more_trials_give_the_bytes_of_one_run(tiny, tmp_path, sampler):
    how = {**tiny, "sampler": sampler}
    tune(**{**how, "trials": 13}, folder=tmp_path / "whole")
    for trials in (3, 11, 13):
        tune(**{**how, "trials": trials}, folder=tmp_path / "parts", resume=trials > 3)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_a_signal_in_the_last_trial_leaves_the_report_to_resume(tiny, tmp_path):
    calls = []

    def bright(images, objectives):
        calls.append(1)
        if len(calls) == tiny["trials"]:
            os.kill(os.getpid(), signal.SIGTERM)
        return images.mean((1, 2, 3))

    how = {**tiny, "score": bright, "folder": tmp_path / "run"}
    with pytest.raises(Interrupted, match=r"stopped after 4 of 4 trials; resume it: dgnam resume .*/run") as stopped:
        tune(**how)
    assert (stopped.value.status, len(calls)) == (143, 4)
    assert not (tmp_path / "run/result.json").exists()
    tune(**how, resume=True)
    assert (tmp_path / "run/result.json").is_file()


def test_an_interrupt_keeps_the_trials_and_says_how_to_go_on(tiny, tmp_path):
    calls = []

    def bright(images, objectives):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return images.mean((1, 2, 3))

    how = {**tiny, "score": bright}
    with pytest.raises(Interrupted, match=r"stopped after 2 of 4 trials; resume it: dgnam resume .*/run"):
        tune(**how, folder=tmp_path / "run")
    assert list_runs(tmp_path)[0].state == "stopped"
    tune(**how, folder=tmp_path / "run", resume=True)
    tune(**tiny, folder=tmp_path / "whole")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 7}, r"seed changed \(was 0, now 7\)"),
        ({"n_iters": (1, 4)}, r"space\.n_iters\[1\] changed"),
        ({"sampler": "tpe"}, r'sampler changed \(was "random", now "tpe"\)'),
        ({"objective": "fc8:2-3"}, r"tuning\[0\] changed"),
        ({"report_on": "fc8:7"}, r"held_out\[0\] changed"),
        ({"clip": "unit"}, "clip changed"),
        ({"score": len}, "score.* changed"),
    ],
)
def test_another_tuning_does_not_go_on(tiny, tmp_path, changes, message):
    tune(**{**tiny, "trials": 1}, folder=tmp_path / "run")
    with pytest.raises(DgnamError, match=f"cannot resume .*{message}"):
        tune(**{**tiny, **changes}, folder=tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "caffenet-mni"}, "target 'caffenet-mni' is not known.* caffenet-mini"),
        ({"target": "deepsim-fc6-mini"}, "target 'deepsim-fc6-mini' is a generator"),
        ({"prior": "judge-mini"}, "prior 'judge-mini' is a classifier"),
        ({"judge": "caffenet"}, "knows other classes than 'caffenet-mini'"),
        ({"judge": "deepsim-fc6-mini"}, "is a generator; the classifiers"),
        ({"score": "ranks"}, "score 'ranks': give one of rank"),
        ({"score": 3}, "score 3: give text or a callable"),
        ({"sampler": "grid"}, "sampler 'grid'"),
        ({"trials": 0}, "trials 0"),
        ({"show": 0}, "show 0: give how many"),
        ({"trials": "4"}, "trials '4': give a whole number"),
        ({"seed": -1}, "seed -1"),
        ({"objective": "0-3", "report_on": "3-5"}, "fc8:3: settings are tuned on some units and reported on others"),
        ({"report_on": "200"}, "200 units, 0 to 199"),
        ({"report_on": "x"}, "no class 'x' among 200"),
        ({"report_on": []}, "no units to report on"),
        ({"objective": "9-3"}, "the range 9-3 runs backwards; write 3-9"),
        ({"objective": ":3"}, "':3'"),
        ({"objective": "3,3"}, "fc8:3 is given twice"),
        ({"objective": "fc7:3"}, "fc7:3: a judge scores classes, .* layer 'fc8'"),
        ({"l2": (0.9,)}, r"l2 \(0.9,\): give the smallest"),
        ({"start_lr": (1, 2, "ln")}, "start_lr"),
        ({"start_lr": (8, float("nan"))}, "start_lr"),
        ({"n_iters": 5}, "n_iters 5: give a list"),
        ({"n_iters": "5,6"}, "n_iters '5,6': give a list"),
        ({"l2": (0.5, 1), "norm_penalty": (1, 2)}, "a range of l2 or one"),
        ({"device": "tpu"}, "device 'tpu'"),
        ({"resume": True}, "holds no run"),
    ],
)
def test_what_cannot_be_makes_no_folder(tmp_path, changes, message):
    how = {"target": "caffenet-mini", "objective": "0", **QUICK, "report_on": "1", "folder": tmp_path / "run"}
    with pytest.raises(DgnamError, match=message):
        tune(**{**how, **changes})
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def units():
    target = open_target("caffenet-mini")
    return lambda text, any_layer=False: _units(text, target, None if any_layer else target.classes)


def test_units_as_text(units):
    assert units("3, 7-9") == [Unit("fc8", k) for k in (3, 7, 8, 9)]
    assert units("fc8:3, 7-9") == units("3, 7-9") == units(["fc8:3", Unit("fc8", 7), "fc8:8-9"])


def test_units_by_the_names_of_their_classes(units):
    lemon, pepper = units('lemon, "bell pepper"')
    assert units("lemon") == [lemon] == units("fc8:lemon")
    assert units(f"{pepper.index}") == [pepper]


def test_a_score_of_ones_own_scores_any_units(units):
    assert [str(one) for one in units("conv5:3@all", any_layer=True)] == ["conv5:3@all"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lemno", "no class 'lemno' among 200; the closest: lemon"),
        ("fc9:3", "no layer 'fc9'; the closest: fc"),
        ("conv5:3@2,2", "conv5:3@2: a judge scores classes|conv5:3@2,2: a judge scores classes"),
        ("conv5:3@all", "a judge scores classes"),
        ("fc8:3 + fc8:4", "a judge scores classes"),
        ("", "is not a unit"),
        ("3,", "is not a unit"),
        ("-3", "is not a unit"),
    ],
)
def test_what_a_judge_cannot_score(units, text, message):
    with pytest.raises(DgnamError, match=message):
        units(text)


LABELS = data_folder("models") / "labels" / "imagenet200.txt"


@pytest.mark.parametrize("given", ["goldfish", "fc8:0", "0"])
def test_a_judge_scores_a_net_of_ones_own_with_the_same_classes(given):
    entry = zoo.get("caffenet-mini")
    target = open_target(entry.prototxt, weights=entry.weights_path(), labels=LABELS)
    assert _units(given, target, judged_classes("judge-mini", target)) == [Unit("fc8", 0)]
    with pytest.raises(DgnamError, match=r"fc7:3: a judge scores classes, .* layer 'fc8'"):
        _units("fc7:3", target, judged_classes("judge-mini", target))


def test_of_several_networks_a_judge_scores_those_with_its_classes():
    target = open_target("caffenet-mini,judge-mini,places-alexnet-mini")
    judged = judged_classes("judge-mini", target)
    for text in ("caffenet-mini.fc8:3", "judge-mini.fc:3"):
        assert [str(one) for one in _units(text, target, judged)] == [text]
    with pytest.raises(DgnamError, match="a judge scores classes"):
        _units("places-alexnet-mini.fc8:3", target, judged)


def test_a_judge_needs_the_names_of_classes(tiny):
    with pytest.raises(DgnamError, match=r"'judge-mini' scores classes, and those of '.*' have no names: give labels"):
        tune(**{**tiny, "score": "rank"})


def test_ranges_as_sequences():
    assert tuning_space((1, 3), (1.0, 32.0, "log"), None, None) == TuningSpace((1, 3))
    space = tuning_space([1, 3], [1, 2, True], None, [0.1, 0.2, False])
    assert space.ranges == {"n_iters": (1, 3, False), "start_lr": (1.0, 2.0, True), "norm_penalty": (0.1, 0.2, False)}


def test_the_pictures_of_trials_are_those_of_their_settings(tiny):
    found = tune(**{**tiny, "trials": 2})
    assert found.trials[0].pictures.shape == (2, 28, 28, 3)
    assert not np.array_equal(found.trials[0].pictures, found.trials[1].pictures)
