"""The list of runs: what each is, and its state."""

import contextlib
import fcntl
import json
import os
import threading

import numpy as np
import pytest

from dgnam.errors import DgnamError
from dgnam.runs import Record, Run
from dgnam.runs.index import list_runs, read_summary


@contextlib.contextmanager
def open_shared(folder):
    """The folder locked as a look at it does, and what gives it free."""
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_SH)
    try:
        yield lambda: fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)


@pytest.fixture
def run(tmp_path):
    record = Record("visualize", {"target": "caffenet-mini", "objective": "fc8:lemon"}, {})
    return Run.create_at(tmp_path / "runs/lemon-1", record)


def test_a_finished_run(run):
    with run.exclusive():
        run.save("00000", {"x": np.zeros(2)})
        assert read_summary(run.path).state == "running"
    found = read_summary(run.path)
    assert (found.task, found.what, found.chunks) == ("visualize", "caffenet-mini fc8:lemon", 1)
    assert found.state == "finished"
    assert found.started.endswith("Z")


def test_a_stopped_and_a_killed_run(run):
    with pytest.raises(KeyboardInterrupt), run.exclusive():
        raise KeyboardInterrupt
    assert read_summary(run.path).state == "stopped"
    events = (run.path / "events.jsonl").read_text().splitlines(keepends=True)
    (run.path / "events.jsonl").write_text("".join(events[:1]))
    assert read_summary(run.path).state == "killed"


def test_damaged_records_are_listed(run, tmp_path):
    (tmp_path / "runs/other").mkdir()
    (tmp_path / "runs/other/run.json").write_text(json.dumps({"format": 1}))
    (tmp_path / "runs/none").mkdir()
    found = [(one.name, one.state) for one in list_runs(tmp_path / "runs")]
    assert found == [("lemon-1", "killed"), ("other", "damaged")]
    with pytest.raises(DgnamError, match="there is no folder"):
        list_runs(tmp_path / "nowhere")


def test_a_search_waits_for_its_user(tmp_path):
    run = Run.create_at(tmp_path / "neuron", Record("search", {}, {}))
    assert read_summary(run.path).state == "waiting"
    with run.exclusive():
        assert read_summary(run.path).state == "running"
    assert read_summary(run.path).state == "waiting"


def test_looking_keeps_nobody_out(run):
    """A look that holds the folder for an instant is waited for."""
    with open_shared(run.path) as release:
        threading.Timer(0.05, release).start()
        with run.exclusive():
            pass
