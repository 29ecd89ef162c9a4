"""The search for settings: what is drawn, kept, resumed and reported."""

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

from dgnam.am import Evaluator, SearchSpace, Unit, images, paper, released, report, search
from dgnam.am.tuning.trials import JOURNAL, open_store, read_trials
from dgnam.am.tuning.tune import best_trial, check_apart, describe
from dgnam.errors import DgnamError, FormatError

ROOT = str(Path(__file__).parents[3])
SPACE = SearchSpace(n_iters=(2, 9))
TUNING, HELD_OUT = [Unit("fc8", 0), Unit("fc8", 1)], [Unit("fc8", 2), Unit("fc8", 3)]


def brightness(made, objectives):
    return made.mean((1, 2, 3))


@pytest.fixture
def evaluator(linear_target, linear_generator, as_batch):
    """An evaluator with a score of one's own."""
    target, prior = as_batch(linear_target, linear_generator)
    return lambda score=brightness, **options: Evaluator(target, prior, score, clip=None, **options)


def run(evaluate, folder, **options):
    given = {"space": SPACE, "trials": 6, "progress": False} | options
    return search(evaluate, TUNING, storage=folder, **given)


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
    np.testing.assert_array_equal(trials[4].pictures(), np.stack([images.picture(i) for i in again.images]))


def test_settings_lie_in_their_ranges(tmp_path, evaluator):
    space = SearchSpace(n_iters=(3, 5), start_lr=(2, 2), shrink=None, norm_penalty=(0.01, 0.1, True))
    trials = run(evaluator(), tmp_path, space=space, trials=12)
    assert {trial.settings.n_iters for trial in trials} == {3, 4, 5}
    assert {trial.settings.schedule.start for trial in trials} == {2.0}
    weights = [trial.settings.regularisation.weight for trial in trials]
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


def test_a_finished_search_runs_nothing_and_fewer_trials_are_the_first(evaluator, tmp_path):
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


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        (lambda made: np.array([1.0, np.nan]), DgnamError, r"trial 3 \(.*steps.*\): the score of fc8:1 is nan"),
        (lambda made: float("inf"), DgnamError, "the score is inf"),
        (lambda made: np.zeros(5), DgnamError, r"the scores of 2 images have shape \(5,\)"),
        (lambda made: "good", DgnamError, "trial 3 .* the score failed .ValueError"),
        (lambda made: 1 / 0, DgnamError, "trial 3 .*ZeroDivisionError.* The 3 trials before it are kept"),
        (interrupt, KeyboardInterrupt, None),
    ],
)
def test_a_score_that_fails_keeps_the_trials_before(evaluator, tmp_path, how, error, words):
    with pytest.raises(error, match=words):
        run(evaluator(failing(4, how)), tmp_path / "a")
    assert len(read_trials(tmp_path / "a")) == 3
    assert plain(run(evaluator(), tmp_path / "a")) == plain(run(evaluator(), tmp_path / "b"))


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
    rows = report(evaluate, trials, TUNING, HELD_OUT)
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


def test_another_search_in_the_same_folder_is_an_error(evaluator, tmp_path):
    run(evaluator(), tmp_path, trials=1)
    with pytest.raises(DgnamError, match="holds a search with seed 0, not 7"):
        run(evaluator(), tmp_path, seed=7)
    with pytest.raises(DgnamError, match="with space "):
        run(evaluator(), tmp_path, space=SearchSpace(n_iters=(2, 10)))
    with pytest.raises(DgnamError, match="with sampler random, not tpe"):
        run(evaluator(), tmp_path, sampler="tpe")
    with pytest.raises(DgnamError, match=r"with tuning \['fc8:0', 'fc8:1'\], not \['fc8:2', 'fc8:3'\]"):
        search(evaluator(), HELD_OUT, storage=tmp_path, space=SPACE, progress=False)
    with pytest.raises(DgnamError, match="with target None, not b"):
        run(evaluator(), tmp_path, record={"target": "b"})
    with pytest.raises(DgnamError, match="with start_seed 0, not 5"):
        run(evaluator(seed=5), tmp_path)


def test_bad_options(evaluator, tmp_path):
    for options, words in [
        ({"trials": 0}, "trials 0"),
        ({"seed": -1}, "seed -1"),
        ({"sampler": "tpa"}, "sampler 'tpa': give one of tpe, random"),
        ({"record": {"a": object()}}, "written as JSON"),
    ]:
        with pytest.raises(DgnamError, match=words):
            run(evaluator(), tmp_path / "x", **options)
    (tmp_path / "file").write_text("")
    with pytest.raises(DgnamError, match="can't be made"):
        run(evaluator(), tmp_path / "file" / "x")


def test_two_processes_in_one_folder_are_one_too_many(evaluator, tmp_path):
    known = {"tuning": ["fc8:0", "fc8:1"], "start_seed": 0}
    with open_store(tmp_path, SPACE, 0, "random", known), pytest.raises(DgnamError, match="another process"):
        run(evaluator(), tmp_path)


def test_a_line_cut_short_is_dropped(evaluator, tmp_path):
    run(evaluator(), tmp_path / "a", trials=3)
    journal = tmp_path / "a" / JOURNAL
    whole = journal.read_bytes()
    for cut in range(1, len(whole), 211):
        journal.write_bytes(whole[:-cut])
        trials = run(evaluator(), tmp_path / "a", trials=3)
        assert len(trials) == 3
    assert plain(trials) == plain(run(evaluator(), tmp_path / "b", trials=3))


@pytest.mark.parametrize("content", [b"not json\n", b"{}\n{}\n", b"[1]\n", b'{"op_code": 99}\n', b"\0\xff\n\n"])
def test_a_damaged_journal_is_an_error_that_names_it(evaluator, tmp_path, content):
    run(evaluator(), tmp_path, trials=1)
    journal = tmp_path / JOURNAL
    journal.write_bytes(content + journal.read_bytes())
    for use in (lambda: run(evaluator(), tmp_path), lambda: read_trials(tmp_path)):
        with pytest.raises(FormatError, match=JOURNAL):
            use()


def test_pictures_that_are_gone_or_damaged_and_a_folder_that_holds_no_search(evaluator, tmp_path):
    first, second = run(evaluator(), tmp_path, trials=2)
    first.path.unlink()
    with pytest.raises(FormatError, match="the pictures of trial 0 can't be read"):
        first.pictures()
    second.path.write_bytes(second.path.read_bytes()[:50])
    with pytest.raises(FormatError, match="00001"):
        second.pictures()
    with pytest.raises(DgnamError, match="holds no search"):
        read_trials(tmp_path / "trials")


def test_large_pictures_are_kept_small(tmp_path):
    with open_store(tmp_path, SPACE, 0, "random", {}) as store:
        trial, _ = store.ask(0)
        store.tell(trial, 0, np.zeros(2), 0.0, np.full((2, 227, 200, 3), 90, np.uint8))
        (found,) = store.finished()
    pictures = found.pictures()
    assert pictures.shape == (2, 112, 99, 3)
    assert (pictures == 90).all()


def test_optuna_is_silent_and_its_verbosity_left_alone(evaluator, tmp_path, capfd):
    optuna.logging.set_verbosity(optuna.logging.INFO)
    run(evaluator(), tmp_path, trials=2, sampler="tpe")
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == optuna.logging.INFO


def test_settings_in_words():
    assert describe(released()) == "200 steps, start_lr 8, shrink 0.99"
    assert describe(paper(), "\n") == "200 steps\nstart_lr 8\nnorm_penalty 0.005"


SCRIPT = """
import sys, time
import torch
from dgnam.am import Evaluator, SearchSpace, Unit, search

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

trials = search(Evaluator(Target(), Prior(), score, clip=None), [Unit("fc8", 0), Unit("fc8", 1)],
                storage=sys.argv[1], trials=13, sampler=sys.argv[3], progress=False, space=SearchSpace(n_iters=(2, 6)))
for trial in trials:
    print(trial.number, trial.settings, trial.scores, trial.activation, trial.pictures().sum())
"""


@pytest.mark.parametrize("sampler", ["tpe"])
def test_a_killed_search_goes_on_and_redoes_no_finished_trial(tmp_path, monkeypatch, capsys, sampler):
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
    done = len(read_trials(folder))
    scored, table = here(folder)
    assert scored == 13 - done
    assert len(table) == 13
    assert table == here(tmp_path / "whole")[1]
