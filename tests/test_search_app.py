"""`dgnam search`, with the small models and few steps."""

import csv
import json

import pytest
from PIL import Image
from typer.testing import CliRunner

from dgnam import search_app
from dgnam.am import Unit, hyperparameters, paper, released
from dgnam.am.trial_store import read_trials
from dgnam.caffe.errors import CaffeError, CaffeFormatError
from dgnam.figures import contact_sheet
from dgnam.measure.class_score import score_by_probability

QUICK = ("caffenet-mini", "0,2", "--report", "5-6", "--n-iters", "1,3", "--quiet")


def call(*words):
    """The result of `dgnam search …`; errors that the user can mend are raised."""
    result = CliRunner().invoke(search_app.app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def files(folder):
    names = (search_app.RESULT, search_app.TABLE, search_app.SHEET)
    return {name: (folder / name).read_bytes() for name in names}


@pytest.fixture(scope="module", autouse=True)
def few_steps():
    """The published settings with three steps, not two hundred."""
    with pytest.MonkeyPatch.context() as patched:
        short = {"released": released(n_iters=3), "paper": paper(n_iters=3)}
        patched.setattr(hyperparameters, "published_settings", lambda: short)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a finished search of four trials, and what was printed."""
    base = tmp_path_factory.mktemp("whole")
    result = call(*QUICK, "--trials", "4", "--output", str(base))
    assert result.exit_code == 0
    return base / "search-caffenet-mini-1", result.output


def test_a_search_leaves_its_results_in_a_folder(whole):
    folder, output = whole
    found = json.loads((folder / search_app.RESULT).read_text())
    assert found["tuning"] == ["fc8:0", "fc8:2"]
    assert found["held_out"] == ["fc8:5", "fc8:6"]
    rows = {row["name"]: row for row in found["rows"]}
    assert list(rows) == ["best", "released", "paper"]
    with open(folder / search_app.TABLE, newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["trial"] for row in table] == list("0123")
    best = max(table, key=lambda row: float(row["score"]))
    assert int(best["trial"]) == found["best_trial"]
    assert float(best["score"]) == rows["best"]["tuning"]["score"]
    assert int(best["n_iters"]) == rows["best"]["settings"]["n_iters"] <= 3
    with Image.open(folder / search_app.SHEET) as sheet:
        assert sheet.width > 4 * 56
    assert f"{rows['best']['held_out']['score']:.3f}" in output
    assert "mean probability of the unit's class by judge-mini" in output
    record = json.loads((folder / search_app.REQUEST).read_text())
    assert "optuna" in record["versions"]
    assert len(record["files"]["judge-mini/weights.h5"]) == 64


def test_a_contact_sheet_can_be_drawn_from_the_folder_alone(whole):
    found = [search_app.candidate(trial) for trial in read_trials(whole[0])]
    sheet = contact_sheet(found, k=1)
    best = max(found, key=lambda one: one.score)
    assert best.pictures.shape == (2, 56, 56, 3)
    assert (sheet[36 : 36 + 56, 8 : 8 + 56] == best.pictures[0]).all()
    assert best.lines[1].endswith("steps")


def test_ctrl_c_keeps_the_trials_and_says_how_to_go_on(whole, tmp_path, monkeypatch):
    calls = []

    def interrupted(judge):
        score = score_by_probability(judge)

        def wrapped(images, objectives):
            calls.append(1)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return score(images, objectives)

        return wrapped

    with monkeypatch.context() as patched:
        patched.setitem(search_app.SCORES, "probability", interrupted)
        result = call(*QUICK, "--trials", "4", "--output", str(tmp_path))
    folder = tmp_path / "search-caffenet-mini-1"
    assert result.exit_code == 130
    assert f"stopped after 2 of 4 trials; go on: dgnam search --resume {folder}" in result.output
    assert len(read_trials(folder)) == 2
    resumed = call("--resume", str(folder), "--quiet")
    assert resumed.exit_code == 0
    assert files(folder) == files(whole[0])


def test_more_trials_can_be_asked_for(whole, tmp_path):
    call(*QUICK, "--trials", "2", "--output", str(tmp_path))
    folder = tmp_path / "search-caffenet-mini-1"
    call("--resume", str(folder), "--trials", "4", "--quiet")
    assert files(folder) == files(whole[0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give a target, units and --report"),
        (("caffenet-mini", "0-3"), "give a target, units and --report"),
        (("caffenet-mni", "0", "--report", "1"), "no model 'caffenet-mni'; .* caffenet-mini"),
        (("deepsim-fc6-mini", "0", "--report", "1"), "'deepsim-fc6-mini' is a generator; the classifiers"),
        (("caffenet-mini", "0", "--report", "1", "--prior", "judge-mini"), "'judge-mini' is no generator"),
        (("caffenet-mini", "0", "--report", "1", "--judge", "caffenet"), "only the same classes"),
        (("caffenet-mini", "0", "--report", "1", "--score", "ranks"), "score 'ranks': give one of rank"),
        (("caffenet-mini", "0", "--report", "1", "--sampler", "grid"), "sampler 'grid'"),
        (("caffenet-mini", "0-3", "--report", "3-5"), "fc8:3: settings are tuned on some units and reported on others"),
        (("caffenet-mini", "0", "--report", "200"), "200 units, 0 to 199"),
        (("caffenet-mini", "0", "--report", "x"), "units 'x': 'x' is no unit or range"),
        (("caffenet-mini", "9-3", "--report", "1"), "'9-3' is no unit or range"),
        (("caffenet-mini", ":3", "--report", "1"), "no unit or range"),
        (("caffenet-mini", "fc7:3", "--report", "1"), "unit fc7:3: a judge tells classes, .* layer 'fc8'"),
        (("caffenet-mini", "0", "--report", "1", "--shrink", "0.9"), "--shrink '0.9': write the least"),
        (("caffenet-mini", "0", "--report", "1", "--start-lr", "1,2,ln"), "--start-lr '1,2,ln'"),
        (("caffenet-mini", "0", "--report", "1", "--start-lr", "8,nan"), "start_lr"),
        (
            ("caffenet-mini", "0", "--report", "1", "--shrink", "0,1", "--norm-penalty", "1,2"),
            "a range of shrink or one",
        ),
        (("caffenet-mini", "0", "--report", "1", "--device", "tpu"), "device 'tpu'"),
        (("caffenet-mini", "0", "--report", "1", "--resume", "x"), "leave them out"),
        (("--resume", "nowhere"), "nowhere holds no run of a search"),
    ],
)
def test_bad_input_makes_no_folder(tmp_path, words, message):
    base = tmp_path / "runs"
    with pytest.raises(CaffeError, match=message):
        call(*words, "--output", str(base))
    assert not base.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "{", "not JSON"),
        (lambda text: "[]", "not a search's settings"),
        (lambda text: text.replace('"seed": 0', '"seed": "0"'), "'seed' is missing or no int"),
        (lambda text: text.replace('"shrink"', '"shrunk"'), "'space' must have"),
        (
            lambda text: text.replace('"seed": 0', '"seed": 1'),
            "holds a search with seed 0, not 1|with seed 0|start_seed",
        ),
    ],
)
def test_a_damaged_or_changed_record(whole, tmp_path, change, message):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (search_app.REQUEST, search_app.JOURNAL):
        (folder / name).write_bytes((whole[0] / name).read_bytes())
    path = folder / search_app.REQUEST
    path.write_text(change(path.read_text()))
    with pytest.raises((CaffeError, CaffeFormatError), match=message):
        call("--resume", str(folder), "--quiet")


def test_units_as_text():
    assert search_app.parse_units("3, 7-9", "fc8") == [Unit("fc8", k) for k in (3, 7, 8, 9)]
    assert search_app.parse_units("loss3/classifier:1", "fc8") == [Unit("loss3/classifier", 1)]


def test_a_range_of_the_papers_l2_takes_the_place_of_shrink(tmp_path):
    call(*QUICK, "--trials", "1", "--norm-penalty", "0.001,0.1,log", "--score", "rank", "--output", str(tmp_path))
    folder = tmp_path / "search-caffenet-mini-1"
    header = (folder / search_app.TABLE).read_text().splitlines()[0]
    assert header == "trial,score,activation,n_iters,start_lr,norm_penalty"
    assert "1 / rank" in json.loads((folder / search_app.RESULT).read_text())["score"]
