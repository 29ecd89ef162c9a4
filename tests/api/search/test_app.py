import pytest

from dgnam.am.tuning.trials import read_trials
from dgnam.api.search import stage
from dgnam.errors import DgnamError
from dgnam.measure.class_score import score_by_probability
from tests.api.search.searching import QUICK, call, files


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
        patched.setitem(stage.SCORES, "probability", interrupted)
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
        (("caffenet-mini", "0", "--report", "x"), "no class 'x' among 200"),
        (("caffenet-mini", "9-3", "--report", "1"), "the range 9-3 runs backwards; write 3-9"),
        (("caffenet-mini", ":3", "--report", "1"), "objective ':3': '' is no unit"),
        (("caffenet-mini", "3,3", "--report", "1"), "fc8:3 is given twice"),
        (("caffenet-mini", "fc7:3", "--report", "1"), "fc7:3: a judge tells classes, .* layer 'fc8'"),
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
    with pytest.raises(DgnamError, match=message):
        call(*words, "--output", str(base))
    assert not base.exists()


def test_a_function_of_ones_own_scores_any_units(tmp_path, monkeypatch):
    (tmp_path / "brightness.py").write_text(
        "def score(images, objectives):\n"
        "    assert images.shape[1:] == (3, 56, 56) and len(objectives) == len(images)\n"
        "    return images.mean((1, 2, 3))\n"
    )
    monkeypatch.chdir(tmp_path)
    words = ("caffenet-mini", "conv5:0-1", "--report", "conv5:7@all", "--n-iters", "1,3", "--quiet", "--trials", "3")
    result = call(*words, "--score", "brightness:score", "--output", "runs")
    assert result.exit_code == 0
    assert "mean of brightness:score" in result.output
    folder = "runs/search-caffenet-mini-1"
    with pytest.raises(DgnamError, match="made with --score brightness:score: give it again"):
        call("--resume", folder, "--quiet")
    before = files(tmp_path / folder)
    assert call("--resume", folder, "--score", "brightness:score", "--quiet").exit_code == 0
    assert files(tmp_path / folder) == before


def test_a_run_goes_on_with_its_own_score(whole):
    with pytest.raises(DgnamError, match="made with --score probability: leave --score out"):
        call("--resume", str(whole[0]), "--score", "rank")
