"""Trials: what is drawn, kept, resumed and reported."""

import os
import random
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import optuna
import pytest

from dgnam.am import Unit, images, paper, released
from dgnam.am.tuning import (
    Evaluation,
    Evaluator,
    Trial,
    TuningSpace,
    best_trial,
    check_apart,
    describe,
    published_settings,
    report,
    tune,
)
from dgnam.am.tuning.space import PAPER_RANGE
from dgnam.am.tuning.trials import Draws, made_trial, read_trial
from dgnam.errors import DgnamError, FormatError
from dgnam.runs import Interrupted, Record, Run

ROOT = str(Path(__file__).parents[3])
SPACE = TuningSpace(n_iters=(2, 9))
TUNING, HELD_OUT = [Unit("fc8", 0), Unit("fc8", 1)], [Unit("fc8", 2), Unit("fc8", 3)]


def brightness(made, objectives):
    return made.mean((1, 2, 3))


@pytest.fixture
def evaluator(linear_target, linear_generator, as_batch):
    """An evaluator with a score of one's own."""
    target, prior = as_batch(linear_target, linear_generator)
    return lambda score=brightness, **options: Evaluator(target, prior, score, clip=None, **options)


def run(evaluate, folder, **options):
    """The trials of a tuning in `folder`, begun there or gone on with."""
    given = {"space": SPACE, "trials": 6, "progress": False} | options
    return tune(evaluate, TUNING, run=opened(folder), **given)


def opened(folder):
    return Run.open(folder) if (folder / "run.json").is_file() else Run.create_at(folder, Record("tune", {}, {}))


def kept(folder):
    """How many trials are in `folder`."""
    return len(Run.open(folder).names())


def plain(trials):
    return [(t.number, t.settings, t.score, t.scores, t.activation) for t in trials]


def test_a_trials_score_is_that_of_its_settings(evaluator, tmp_path):
    evaluate = evaluator()
    trials = run(evaluate, tmp_path)
    assert [trial.number for trial in trials] == list(range(6))
    assert len({trial.settings for trial in trials}) == 6
    again = evaluate(trials[4].settings, TUNING)
    assert trials[4].scores == tuple(again.scores)
    assert trials[4].score == again.scores.mean()
    assert trials[4].activation == pytest.approx(again.activations.mean())
    np.testing.assert_array_equal(trials[4].pictures, np.stack([images.picture(i) for i in again.images]))


def test_settings_lie_in_their_ranges(tmp_path, evaluator):
    space = TuningSpace(n_iters=(3, 5), start_lr=(2, 2), l2=None, norm_penalty=(0.01, 0.1, True))
    trials = run(evaluator(), tmp_path, space=space, trials=12)
    assert {trial.settings.n_iters for trial in trials} == {3, 4, 5}
    assert {trial.settings.schedule.start for trial in trials} == {2.0}
    weights = [trial.settings.regularizer.weight for trial in trials]
    assert all(0.01 <= weight <= 0.1 for weight in weights)
    assert len(set(weights)) == 12


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_the_same_seed_gives_the_same_trials_however_often_it_is_interrupted(evaluator, tmp_path, sampler):
    whole = run(evaluator(), tmp_path / "whole", trials=14, sampler=sampler)
    for trials in (1, 5, 11, 14):
        parts = run(evaluator(), tmp_path / "parts", trials=trials, sampler=sampler)
    assert plain(parts) == plain(whole)
    other = run(evaluator(), tmp_path / "other", trials=14, sampler=sampler, seed=1)
    assert not {trial.settings for trial in other} & {trial.settings for trial in whole}


def test_tpe_learns_from_the_trials_before(evaluator, tmp_path):
    at_random = run(evaluator(), tmp_path / "random", trials=16)
    learnt = run(evaluator(), tmp_path / "tpe", trials=16, sampler="tpe")
    assert [t.settings for t in learnt[12:]] != [t.settings for t in at_random[12:]]


def test_a_finished_tuning_runs_nothing_and_fewer_trials_are_the_first(evaluator, tmp_path):
    trials = run(evaluator(), tmp_path)

    def never(made, objectives):
        raise AssertionError("nothing is left to score")

    assert plain(run(evaluator(never), tmp_path)) == plain(trials)
    assert plain(run(evaluator(never), tmp_path, trials=4)) == plain(trials[:4])


def failing(at, how):
    """A score that fails the `at`-th time."""
    calls = []

    def score(made, objectives):
        calls.append(1)
        return how(made) if len(calls) == at else brightness(made, objectives)

    return score


def interrupt(made):
    raise KeyboardInterrupt


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        (lambda made: np.array([1.0, np.nan]), DgnamError, r"trial 3 \(.*steps.*\): the score of fc8:1 is nan"),
        (lambda made: float("inf"), DgnamError, "the score is inf"),
        (lambda made: np.zeros(5), DgnamError, r"the scores of 2 images have shape \(5,\)"),
        (lambda made: "good", DgnamError, "trial 3 .* the score failed .ValueError"),
        (lambda made: 1 / 0, DgnamError, "trial 3 .*ZeroDivisionError.* The 3 trials before it are kept"),
        (interrupt, Interrupted, "stopped after 3 of 6 trials"),
        (lambda made: send(signal.SIGINT) or np.nan, DgnamError, "the score is nan"),
    ],
)
def test_a_score_that_fails_keeps_the_trials_before(evaluator, tmp_path, how, error, words):
    with pytest.raises(error, match=words):
        run(evaluator(failing(4, how)), tmp_path / "a")
    assert kept(tmp_path / "a") == 3
    assert plain(run(evaluator(), tmp_path / "a")) == plain(run(evaluator(), tmp_path / "b"))


def test_trials_without_a_run_are_not_said_to_be_kept(evaluator):
    with pytest.raises(DgnamError, match=r"trial 1 .*nan") as caught:
        tune(evaluator(failing(2, lambda made: np.nan)), TUNING, space=SPACE, trials=3, progress=False)
    assert "kept" not in str(caught.value)


def test_one_score_for_all_will_do(evaluator, tmp_path):
    trials = run(evaluator(lambda made, objectives: made.std()), tmp_path, trials=2)
    assert len(trials[0].scores) == 1


def test_the_score_gets_images_and_their_objectives(evaluator, tmp_path):
    seen = []

    def score(made, objectives):
        seen.append((made.shape, made.dtype, list(objectives)))
        return 0.0

    run(evaluator(score), tmp_path, trials=1)
    assert seen == [((2, 3, 2, 2), np.float32, TUNING)]


def test_the_report_has_the_best_and_the_published_settings_on_both_sets(evaluator, tmp_path):
    evaluate = evaluator()
    trials = run(evaluate, tmp_path)
    best = max(trials, key=lambda trial: trial.score)
    rows = report(evaluate, trials, TUNING, HELD_OUT, published_settings())
    assert [row.name for row in rows] == ["best", "released", "paper"]
    assert rows[0].settings == best.settings
    assert rows[0].tuning == best.scores
    assert rows[0].held_out_score == evaluate(best.settings, HELD_OUT).score
    assert rows[1].settings == released()
    assert rows[1].tuning_score == evaluate(released(), TUNING).score
    assert rows[2].held_out == tuple(evaluate(paper(), HELD_OUT).scores)


def test_both_sets_must_be_apart_and_the_targets(evaluator):
    evaluate = evaluator()
    check_apart(evaluate, TUNING, HELD_OUT)
    with pytest.raises(DgnamError, match="fc8:1: settings are tuned on some units and reported on others, and 1 are"):
        check_apart(evaluate, TUNING, [Unit("fc8", 1), Unit("fc8", 2)])
    with pytest.raises(DgnamError, match="fc8:1@0: settings"):
        check_apart(evaluate, TUNING, [Unit("fc8", 1, 0)])  # the same neuron, written in another way
    with pytest.raises(DgnamError, match="no units to report on"):
        check_apart(evaluate, TUNING, [])
    with pytest.raises(DgnamError, match="fc8:0 is given twice among those to tune on"):
        check_apart(evaluate, [*TUNING, TUNING[0]], HELD_OUT)
    with pytest.raises(DgnamError, match="4 units, 0 to 3"):
        check_apart(evaluate, [Unit("fc8", 4)], HELD_OUT)
    with pytest.raises(DgnamError, match="no trial"):
        best_trial([])


@pytest.mark.parametrize("at", [3, 6])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_the_trial_in_hand(evaluator, tmp_path, number, status, at):
    def score(made):
        send(number)
        return made.mean((1, 2, 3))

    with pytest.raises(Interrupted, match=f"stopped after {at} of 6 trials") as stopped:
        run(evaluator(failing(at, score)), tmp_path)
    assert stopped.value.status == status
    assert kept(tmp_path) == at


def test_bad_options(evaluator, tmp_path):
    for options, words in [
        ({"trials": 0}, "trials 0"),
        ({"seed": -1}, "seed -1"),
        ({"sampler": "tpa"}, "sampler 'tpa': give one of tpe, random"),
    ]:
        with pytest.raises(DgnamError, match=words):
            run(evaluator(), tmp_path, **options)
    assert kept(tmp_path) == 0


def test_without_a_run_the_trials_are_the_same(evaluator, tmp_path):
    found = tune(evaluator(), TUNING, space=SPACE, trials=6, progress=False)
    assert plain(found) == plain(run(evaluator(), tmp_path))


def test_lost_and_damaged_trials_are_made_again(evaluator, tmp_path):
    whole = run(evaluator(), tmp_path, trials=5, sampler="tpe")
    files = {path.name: path.read_bytes() for path in (tmp_path / "chunks").iterdir()}
    journal = (tmp_path / "chunks.jsonl").read_bytes()
    (tmp_path / "chunks/00001.h5").unlink()
    (tmp_path / "chunks/00003.h5").write_bytes(b"x")
    (tmp_path / "chunks.jsonl").write_bytes(journal[:-5])
    calls = []
    with opened(tmp_path).exclusive():  # as the process that goes on does
        pass
    again = run(evaluator(lambda made, _: calls.append(1) or brightness(made, _)), tmp_path, trials=5, sampler="tpe")
    assert len(calls) == 3
    assert plain(again) == plain(whole)
    assert {path.name: path.read_bytes() for path in (tmp_path / "chunks").iterdir()} == files
    assert (tmp_path / "chunks.jsonl").read_bytes() == journal


@pytest.mark.parametrize(
    "changes",
    [
        {"drawn": np.ones(2)},
        {"drawn": np.full(3, np.nan)},
        {"drawn": np.array([100.0, 8.0, 0.95])},
        {"drawn": np.ones((3, 1))},
        {"scores": np.zeros(0)},
        {"scores": np.ones((1, 2))},
        {"scores": np.full(2, np.inf)},
        {"activation": np.zeros(0)},
        {"pictures": np.zeros((2, 4, 4, 3))},
        {"pictures": np.zeros((4, 4), np.uint8)},
    ],
)
def test_a_chunk_that_is_no_trial_is_an_error(evaluator, tmp_path, changes):
    run(evaluator(), tmp_path, trials=1)
    made = opened(tmp_path)
    made.save("00000", {**made.load("00000"), **changes})
    with pytest.raises(FormatError, match="chunk '00000' is not a trial of this tuning"):
        run(evaluator(), tmp_path)
    made.save("00000", {"drawn": np.ones(3)})
    with pytest.raises(FormatError, match="is not a trial"):
        run(evaluator(), tmp_path)


def test_large_pictures_are_kept_small(tmp_path):
    found = Evaluation(released(), np.zeros(2), np.zeros(2), np.zeros((2, 3, 227, 200), np.float32))
    trial = made_trial(0, (200, 8, 0.99), found)
    assert trial.pictures.shape == (2, 112, 99, 3)
    assert np.array_equal(trial.saved(opened(tmp_path)).pictures, trial.pictures)
    assert np.array_equal(read_trial(opened(tmp_path), 0, TuningSpace()).pictures, trial.pictures)


DRAWN = {
    "l2": [
        (267, 1.7306702003942565, 0.9884112737889248),
        (168, 4.024892415289414, 0.9879656234812437),
        (395, 2.4252517125649846, 0.9793143546066145),
        (353, 3.7438900238031967, 0.9792126913964883),
    ],
    "norm_penalty": [
        (32, 1.158266165670259, 0.22454749679255345),
        (19, 1.4017900441484166, 0.21774024576375248),
        (50, 1.2556268979649858, 0.11978450500246283),
        (44, 1.380907611319517, 0.1189462476929167),
    ],
}
"""Of seed 7, as version 0.1 drew them."""


@pytest.mark.parametrize(
    ("name", "space"),
    [
        ("l2", TuningSpace()),
        ("norm_penalty", TuningSpace((3, 50), (1, 2), l2=None, norm_penalty=PAPER_RANGE)),
    ],
)
def test_a_seed_draws_what_it_always_drew(name, space):
    draws = Draws(space, 7, "random")
    for number, drawn in enumerate(DRAWN[name]):
        assert draws.draw(number) == drawn
        draws.tell(trial_of(space, number, drawn))


def trial_of(space, number, drawn, score=0.0):
    settings = space.settings(dict(zip(space.ranges, drawn, strict=True)))
    return Trial(number, settings, drawn, (score,), 0.0, np.zeros((1, 4, 4, 3), np.uint8))


def test_one_study_draws_what_a_new_one_for_each_trial_did():
    """Of seed 7 by TPE, as version 0.1 drew it, which made a study of all trials before for each trial."""
    space, before, draws = TuningSpace(), [], Draws(TuningSpace(), 7, "tpe")
    for number in range(16):
        anew = Draws(space, 7, "tpe")
        for trial in before:
            anew.tell(trial)
        drawn = draws.draw(number)
        assert drawn == anew.draw(number)
        before.append(trial_of(space, number, drawn, score=-abs(drawn[1] - 5)))
        draws.tell(before[-1])
    assert drawn == (390.0, 10.477253121926623, 0.9474416358961387)


def test_the_pictures_of_trials_stay_in_the_run(evaluator, tmp_path):
    """Memory doesn't grow by the pictures, neither of new trials nor of kept ones."""
    for _ in range(2):
        trials = run(evaluator(), tmp_path)
        assert all(isinstance(trial.held, Run) for trial in trials)
        assert trials[5].pictures.shape == (2, 2, 2, 3)


def test_a_tuning_makes_one_study(evaluator, tmp_path, monkeypatch):
    made, create = [], optuna.create_study
    monkeypatch.setattr(optuna, "create_study", lambda **how: made.append(1) or create(**how))
    run(evaluator(), tmp_path, trials=14, sampler="tpe")
    assert len(made) == 1


def test_optuna_is_silent_and_its_verbosity_left_alone(evaluator, tmp_path, capfd):
    optuna.logging.set_verbosity(optuna.logging.INFO)
    run(evaluator(), tmp_path, trials=2, sampler="tpe")
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == optuna.logging.INFO


def test_settings_in_words():
    assert describe(released()) == "200 steps, start_lr 8, l2 0.99"
    assert describe(paper(), "\n") == "200 steps\nstart_lr 8\nnorm_penalty 0.005"


SCRIPT = """
import sys, time
import torch
from dgnam.am import Unit
from dgnam.am.tuning import Evaluator, TuningSpace, tune
from dgnam.runs import Record, Run
from pathlib import Path

class Target:
    size = (4, 4)
    matrix = torch.randn(48, 4, generator=torch.Generator().manual_seed(1))
    def __call__(self, images, layers): return {layer: images.flatten(1) @ self.matrix for layer in layers}
    def layer_shape(self, layer): return (4,)
    def to(self, device): pass

class Prior:
    code_shape, image_size = (5,), (4, 4)
    matrix = torch.randn(5, 48, generator=torch.Generator().manual_seed(2))
    def __call__(self, codes): return (codes @ self.matrix).view(-1, 3, 4, 4)
    def to(self, device): pass

def score(images, objectives):
    print("scored", flush=True)
    time.sleep(float(sys.argv[2]))
    return images.mean((1, 2, 3))

folder = Path(sys.argv[1])
begun = (folder / "run.json").is_file()
run = Run.open(folder) if begun else Run.create_at(folder, Record("tune", {}, {}))
with run.exclusive():
    trials = tune(Evaluator(Target(), Prior(), score, clip=None), [Unit("fc8", 0), Unit("fc8", 1)], run=run,
                  trials=13, sampler=sys.argv[3], progress=False, space=TuningSpace(n_iters=(2, 6)))
for trial in trials:
    print(trial.number, trial.settings, trial.scores, trial.activation, trial.pictures.sum())
"""


@pytest.mark.parametrize("sampler", [pytest.param("random", marks=pytest.mark.exhaustive), "tpe"])
def test_a_killed_tuning_goes_on_and_redoes_no_finished_trial(tmp_path, monkeypatch, capsys, sampler):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    def here(folder):
        monkeypatch.setattr(sys, "argv", ["script.py", str(folder), "0", sampler])
        runpy.run_path(str(script))
        lines = capsys.readouterr().out.splitlines()
        return lines.count("scored"), [line for line in lines if line != "scored"]

    folder, chance = tmp_path / "killed", random.Random()
    for _ in range(2):
        command = [sys.executable, str(script), str(folder), "0.02", sampler]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": ROOT})
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.12))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    done = kept(folder)
    scored, table = here(folder)
    assert scored == 13 - done  # a chunk without its line counts as not made
    assert len(table) == 13
    assert table == here(tmp_path / "whole")[1]
