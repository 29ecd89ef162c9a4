"""A training's folder is a run: killed, stopped or damaged, it goes on to the same weights, bit for bit."""

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from inspect import signature
from pathlib import Path

import pytest
import torch

from dgnam.api.train import train as train_model
from dgnam.errors import DgnamError, FormatError
from dgnam.runs import Interrupted, Record, Run, defer_interrupt
from dgnam.runs.index import read_summary
from dgnam.runs.lock import exclusive
from dgnam.train import classifier
from dgnam.train.checkpoint import changes, last_checkpoint, training_in
from dgnam.train.classifier import train_classifier
from tests.toy import ADAM

RECIPE = {"solver": "base_lr: 1\nmax_iter: 9", "net": "n"}


def state(iteration):
    return {"iteration": iteration, "values": torch.arange(iteration, dtype=torch.float32)}


def saved(folder, *iterations):
    """A folder with checkpoints at these iterations."""
    with training_in(folder, RECIPE, {}) as training:
        for iteration in iterations:
            training.save(state(iteration))
    return folder


def resumed(folder):
    """The iteration that the training in a folder goes on from, and its state."""
    found = []
    with training_in(folder, RECIPE, {}) as training:
        first = training.resume(found.append)
    return first, *found


def files(folder):
    return sorted(path.name for path in (folder / "chunks").iterdir())


def test_the_last_two_checkpoints_are_kept(tmp_path):
    saved(tmp_path / "run", 1, 2, 30)
    assert files(tmp_path / "run") == ["checkpoint-000002.pt", "checkpoint-000030.pt"]
    assert len((tmp_path / "run" / "chunks.jsonl").read_text().splitlines()) == 2
    first, found = resumed(tmp_path / "run")
    assert first == 30
    assert torch.equal(found["values"], torch.arange(30.0))
    assert resumed(saved(tmp_path / "none")) == (0,)


def test_checkpoints_of_an_unknown_training_are_refused(tmp_path):
    (saved(tmp_path, 10) / "run.json").unlink()
    with pytest.raises(DgnamError, match=r"has checkpoints and no run\.json .*; give another folder, or remove .*nks"):
        resumed(tmp_path)
    assert files(tmp_path) == ["checkpoint-000010.pt"]
    assert not (tmp_path / "run.json").exists()


@pytest.mark.parametrize("damage", [b"", b"x" * 100, "torn", "flipped"])
def test_a_damaged_checkpoint_is_said_and_the_one_before_taken(tmp_path, damage):
    path = saved(tmp_path, 10, 20) / "chunks" / "checkpoint-000020.pt"
    whole = path.read_bytes()
    flipped = whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]
    path.write_bytes({"torn": whole[:-100], "flipped": flipped}.get(damage, damage))
    with pytest.warns(UserWarning, match=r"checkpoint-000020\.pt is damaged: .*; going on from iteration 10"):
        assert resumed(tmp_path)[0] == 10
    assert files(tmp_path) == ["checkpoint-000010.pt"]
    assert resumed(saved(tmp_path, 20))[0] == 20


def test_where_no_checkpoint_is_whole_nothing_is_thrown_away(tmp_path):
    saved(tmp_path, 10, 20)
    for path in (tmp_path / "chunks").iterdir():
        path.write_bytes(b"")
    with pytest.raises(FormatError, match=r"000020\.pt is damaged: .*000010\.pt is damaged: .*to train anew"):
        resumed(tmp_path)
    assert files(tmp_path) == ["checkpoint-000010.pt", "checkpoint-000020.pt"]


@pytest.mark.parametrize("left", ["", "gone", "torn"])
def test_checkpoints_survive_the_loss_of_their_lines(tmp_path, left):
    journal = saved(tmp_path, 10, 20) / "chunks.jsonl"
    if left == "gone":
        journal.unlink()
    else:
        journal.write_text(journal.read_text()[:-30] if left == "torn" else "")
    assert resumed(tmp_path)[0] == 20
    assert len(journal.read_text().splitlines()) == 2


def test_a_checkpoint_whose_file_was_removed_is_said(tmp_path):
    for path in (saved(tmp_path, 10, 20) / "chunks").iterdir():
        path.unlink()
    with pytest.warns(UserWarning, match=r"000020\.pt is missing; .*; training anew"):
        assert resumed(tmp_path) == (0,)


def hostile(content):
    """A training's folder whose last checkpoint is entered as it should be, and holds something else."""

    def make(folder):
        saved(folder, 10)
        run = Run.open(folder)
        path = folder / "x.pt"
        torch.save(content, path)
        run.save_bytes("checkpoint-000020", path.read_bytes(), ".pt")
        return folder

    return make


class Evil:
    def __reduce__(self):
        return os.mkdir, ("owned",)


@pytest.mark.parametrize(
    "content", [Evil(), [1], {"iteration": "many"}, {"iteration": -3}, {"iteration": 20, "net": Evil()}, {}]
)
def test_a_hostile_checkpoint_runs_no_code(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    folder = hostile(content)(tmp_path / "run")
    with pytest.warns(UserWarning, match=r"checkpoint-000020\.pt: "):
        assert resumed(folder)[0] == 10
    assert not Path("owned").exists()


def test_a_checkpoint_of_another_net_is_damage(tmp_path):
    def restore(found):
        torch.nn.Linear(2, 3).load_state_dict(found)

    with (
        training_in(saved(tmp_path, 10), RECIPE, {}) as training,
        pytest.raises(FormatError, match="is not a checkpoint of this training"),
    ):
        training.resume(restore)


def test_another_recipe_is_refused_by_the_line_that_changed(tmp_path):
    saved(tmp_path, 10)
    with (
        pytest.raises(DgnamError, match=r'solver changed \(was "max_iter: 9", now "max_iter: 8"\)'),
        training_in(tmp_path, {**RECIPE, "solver": "base_lr: 1\nmax_iter: 8"}, {}),
    ):
        pass


def test_a_run_of_another_task_is_refused(tmp_path):
    Run.create_at(tmp_path / "run", Record("evolve", {}, {}))
    with pytest.raises(DgnamError, match=r'task changed \(was "evolve", now "train"\)'):
        resumed(tmp_path / "run")


def test_a_training_from_before_is_named_and_left(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"old")
    with pytest.raises(DgnamError, match=r"checkpoint\.pt is a checkpoint from before .* nothing is lost: finish"):
        saved(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_second_process_is_refused(tmp_path):
    saved(tmp_path, 10)
    before = (tmp_path / "run.json").read_bytes()
    with (
        exclusive(tmp_path),
        pytest.raises(DgnamError, match="another process is at work in"),
        training_in(tmp_path, RECIPE, {"model": "other"}),
    ):
        pass
    assert (tmp_path / "run.json").read_bytes() == before


def test_a_torn_line_of_the_log_is_cut(tmp_path):
    log = saved(tmp_path, 10) / "log.jsonl"
    log.write_text('{"iteration": 5}\n{"iterat')
    resumed(tmp_path)
    assert log.read_text() == '{"iteration": 5}\n'


# Whole trainings.


def train(nets, folder, data_folder, **options):
    solver = nets / "classifier_solver.prototxt"
    return train_classifier(solver, folder, data_folder=data_folder, progress=False, **options)


def assert_same(one, other):
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


@pytest.mark.parametrize("rule", ["Nesterov", "Adam", "RMSProp"])
def test_resumed_training_counts_the_rules_steps_on(nets, tmp_path, data_folder, rule):
    """Adam divides by 1 - momentum2^t: with t counted anew the first steps after a resume are others."""
    path = nets / "classifier_solver.prototxt"
    if rule != "Nesterov":
        text = (ADAM % ("train_val.prototxt", 24)).replace("Adam", rule)
        path.write_text(text.replace("momentum: 0.5", "") if rule == "RMSProp" else text)
    whole = train(nets, tmp_path / "whole", data_folder)
    assert train(nets, tmp_path / "parts", data_folder, until=7) is None
    assert train(nets, tmp_path / "parts", data_folder, until=8) is None
    found = torch.load(tmp_path / "parts/chunks/checkpoint-000008.pt", weights_only=True)
    assert found["steps"] == found["iteration"] == 8
    assert_same(whole, train(nets, tmp_path / "parts", data_folder))


@pytest.mark.parametrize("damage", ["last", "journal"])
def test_a_damaged_training_goes_on_to_the_same_weights(nets, tmp_path, data_folder, damage):
    whole = train(nets, tmp_path / "whole", data_folder)
    run = tmp_path / "run"
    assert train(nets, run, data_folder, until=25) is None
    assert files(run) == ["checkpoint-000020.pt", "checkpoint-000025.pt"]
    if damage == "journal":
        (run / "chunks.jsonl").write_text("")
        assert_same(whole, train(nets, run, data_folder))
    else:
        (run / "chunks/checkpoint-000025.pt").write_bytes(b"")
        with pytest.warns(UserWarning, match="going on from iteration 20"):
            assert_same(whole, train(nets, run, data_folder))


def test_a_training_says_in_its_log_how_it_ended(nets, tmp_path, data_folder):
    run = tmp_path / "run"
    train(nets, run, data_folder, time_limit=0)
    summary = read_summary(run)
    assert (summary.task, summary.state) == ("train", "stopped")
    assert summary.what == str(nets / "classifier_solver.prototxt")
    train(nets, run, data_folder, until=3)
    assert read_summary(run).state == "stopped"
    train(nets, run, data_folder)
    assert read_summary(run).state == "finished"
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    assert [event.get("reason") for event in events if event["event"] == "stopped"] == ["time limit", "iteration 3"]


def test_the_spec_is_the_arguments_of_the_function_that_trains(nets, tmp_path, data_folder):
    train(nets, tmp_path / "run", data_folder, until=1)
    spec = dict(Record.read(tmp_path / "run").spec)
    assert set(spec) <= set(signature(train_model).parameters)
    found = train_model(**spec, folder=tmp_path / "run", resume=True, progress=False)
    assert found.made == tmp_path / "run" / "tiny.caffemodel"


def test_ctrl_c_is_kept_until_a_checkpoint(nets, tmp_path, data_folder, monkeypatch):
    real = classifier._Run.step

    def step(self, iteration, batches):
        if iteration == 6:
            os.kill(os.getpid(), signal.SIGINT)
        return real(self, iteration, batches)

    monkeypatch.setattr(classifier._Run, "step", step)
    solver, run = str(nets / "classifier_solver.prototxt"), tmp_path / "my run"
    with pytest.raises(Interrupted, match=r"checkpoint after 7 of 40 iterations; resume it: dgnam resume '.*my run'"):
        train_model(solver, data=data_folder, folder=run, progress=False)
    assert files(run) == ["checkpoint-000007.pt"]
    monkeypatch.undo()
    whole = train(nets, tmp_path / "whole", data_folder)
    assert_same(whole, train(nets, run, data_folder))


def test_a_signal_in_the_last_iteration_ends_a_whole_training(tmp_path):
    with training_in(tmp_path, RECIPE, {}) as training, defer_interrupt():
        training.stop.status = 143
        training.end_if_stopped(9, 9)
        with pytest.raises(Interrupted) as stopped:
            training.end_if_stopped(8, 9)
    assert stopped.value.status == 143


# Processes.


def begin(nets, data_folder, run, *command):
    """A training in a process of its own, that can be killed."""
    usual = ("dgnam.train", nets / "classifier_solver.prototxt", "--run", run, "--data", data_folder)
    words = [sys.executable, "-m", *map(str, command or usual)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for_more(process, run, count):
    """Until the training's log has more than `count` lines."""
    deadline = time.monotonic() + 120
    log = run / "log.jsonl"
    while process.poll() is None and (not log.exists() or log.read_text().count("\n") <= count):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return log.read_text().count("\n")


@pytest.fixture
def longer(nets):
    """A training that takes a few seconds."""
    path = nets / "classifier_solver.prototxt"
    text = path.read_text().replace("max_iter: 40", "max_iter: 600").replace("test_interval: 20", "")
    path.write_text(text.replace("snapshot: 10", "snapshot: 60"))
    return nets


@pytest.mark.exhaustive
def test_a_training_killed_at_random_moments_comes_to_the_same_weights(longer, tmp_path, data_folder):
    train_model(str(longer / "classifier_solver.prototxt"), data=data_folder, folder=tmp_path / "w", progress=False)
    draw, run, lines = random.Random(3), tmp_path / "run", 0
    process = begin(longer, data_folder, run)
    kills = 0
    for _ in range(3):
        lines = wait_for_more(process, run, lines)
        time.sleep(draw.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        assert process.returncode in (0, -signal.SIGKILL)
        process = begin(longer, data_folder, run, "dgnam", "resume", run, "--quiet")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, kills >= 2, err) == (0, True, ""), (out, err)
    assert (run / "tiny.caffemodel").read_bytes() == (tmp_path / "w" / "tiny.caffemodel").read_bytes()
    assert not list(run.rglob("*.part"))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_command_at_a_checkpoint(longer, tmp_path, data_folder, number, status):
    run = tmp_path / "run"
    process = begin(longer, data_folder, run)
    wait_for_more(process, run, 2)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    done = int(files(run)[-1][len("checkpoint-") : -len(".pt")])
    where = f"in {run}; the same command goes on from there"
    assert err == f"dgnam.train: stopped at a checkpoint after {done} of 600 iterations {where}\n"
    assert read_summary(run).state == "stopped"


def test_the_last_whole_checkpoint_of_a_training_at_work(tmp_path):
    folder = saved(tmp_path / "run", 1, 2)
    assert last_checkpoint(folder)["iteration"] == 2
    (folder / "chunks" / "checkpoint-000002.pt").write_bytes(b"x")
    assert last_checkpoint(folder)["iteration"] == 1
    (folder / "chunks" / "checkpoint-000001.pt").write_bytes(b"x")
    with pytest.raises(
        DgnamError, match=r"no whole checkpoint yet; .*000002\.pt is damaged.*; .*000001\.pt is damaged"
    ):
        last_checkpoint(folder)
    assert files(folder) == ["checkpoint-000001.pt", "checkpoint-000002.pt"]
    Run.create_at(tmp_path / "other", Record("visualize", {}, {}))
    with pytest.raises(DgnamError, match="other holds a run of 'visualize', not a training"):
        last_checkpoint(tmp_path / "other")


@pytest.mark.parametrize("content", [[1], {"iteration": "3"}, {"iteration": -1}, {}])
def test_what_is_no_state_is_no_checkpoint(tmp_path, content):
    run = Run.create_at(tmp_path / "run", Record("train", {}, {}))
    buffer = io.BytesIO()
    torch.save(content, buffer)
    run.save_bytes("checkpoint-000003", buffer.getvalue(), ".pt", 3)
    with pytest.raises(DgnamError, match=r"checkpoint-000003\.pt: is not a checkpoint of a training"):
        last_checkpoint(run.path)


def test_another_environment_is_a_warning(tmp_path):
    saved(tmp_path / "run", 1)
    path = tmp_path / "run" / "run.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "environment": {**record["environment"], "threads": 99}}))
    with pytest.warns(UserWarning, match="threads changed"):
        assert resumed(tmp_path / "run")[0] == 1
    assert json.loads(path.read_text())["environment"]["threads"] == 99


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DgnamError, match=r"cannot make the folder .*file/run"):
        saved(tmp_path / "file/run")


def test_only_a_training_with_more_to_do_is_interrupted(tmp_path):
    with training_in(tmp_path / "run", RECIPE, {}, 2000) as training:
        training.end_if_stopped(1, 2)
        training.stop.status = 130
        training.end_if_stopped(2, 2)
        with pytest.raises(Interrupted, match="stopped at a checkpoint after 1,000 of 2,000 iterations"):
            training.end_if_stopped(1000, 2000)


def test_parts_in_which_recipes_differ():
    assert changes({"a": 1, "b": 2, "c": 3}, {"b": 2, "c": 4, "d": 5}) == ["a", "c", "d"]
