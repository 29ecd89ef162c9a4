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
from dgnam.runs.index import duration, find_runs, list_runs, read_summary


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
    with run.exclusive(2000, "images"):
        run.save("00000", {"x": np.zeros(2)}, count=1200)
        assert read_summary(run.path).state == "running"
    found = read_summary(run.path)
    assert (found.task, found.what, found.progress) == ("visualize", "caffenet-mini fc8:lemon", "1,200/2,000 images")
    assert found.state == "finished"
    assert found.started.endswith("Z")


def test_a_stopped_and_a_killed_run(run):
    with pytest.raises(KeyboardInterrupt), run.exclusive():
        raise KeyboardInterrupt
    assert read_summary(run.path).state == "stopped"
    events = (run.path / "events.jsonl").read_text().splitlines(keepends=True)
    (run.path / "events.jsonl").write_text("".join(events[:1]))
    assert read_summary(run.path).state == "killed"


def test_runs_are_found_by_name_task_spec_and_inputs(tmp_path):
    def record(task="tune", spec=1, inputs=1, threads=1):
        return Record(task, {"seed": spec}, {"seeds": [inputs]}, {"threads": threads})

    assert find_runs(tmp_path / "runs", "x y", record()) == []
    others = [record("visualize"), record(spec=2), record(inputs=2)]
    for one in (record(), *others, record(threads=2), *[record()] * 6):
        Run.create(tmp_path / "runs", "x y", one)
    Run.create(tmp_path / "runs", "x y-2", record())
    Run.create(tmp_path / "runs", "z", record())
    for name, content in (("x-y-90", "{"), ("x-y-91", json.dumps({"format": 1}))):
        (tmp_path / "runs" / name).mkdir()
        (tmp_path / "runs" / name / "run.json").write_text(content)
    (tmp_path / "runs/x-y-92").mkdir()
    found = find_runs(tmp_path / "runs", "x y", record())
    assert [path.name for path in found] == [f"x-y-{number}" for number in (1, 5, 6, 7, 8, 9, 10, 11)]


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


def test_results_add_up_and_states_go_on(tmp_path):
    for task, done in (("visualize", 30), ("tune", 30), ("act_range", 20), ("neighbors", 20), ("train", 20)):
        run = Run.create_at(tmp_path / task, Record(task, {}, {}))
        with run.exclusive(100, "units"):
            run.save("00000", {"x": np.zeros(1)}, count=10)
            run.save("00001", {"x": np.zeros(1)}, count=20)
        assert read_summary(run.path).progress == f"{done}/100 units"


def test_an_experiments_steps_add_up(tmp_path):
    outer = Run.create_at(tmp_path / "fig1", Record("reproduce", {"experiment": "fig1"}, {}))
    with outer.exclusive(400, "images"):
        for step in ("dgn_am", "pixels"):
            inner = Run.create_at(outer.path / step, Record("visualize", {}, {}))
            with inner.exclusive(200, "images"):
                inner.save("00000", {"x": np.zeros(1)}, count=100)
    compared = Run.create_at(outer.path / "neighbors", Record("neighbors", {}, {}))
    with compared.exclusive(5000, "pictures"):
        compared.save("00000", {"x": np.zeros(1)}, count=5000)
    assert read_summary(outer.path).progress == "200/400 images"
    (outer.path / "pixels/run.json").write_text("{")
    assert read_summary(outer.path).progress == "100/400 images"


def test_a_run_of_an_earlier_version_shows_its_chunks(run):
    run.save("00000", {"x": np.zeros(2)})
    (run.path / "events.jsonl").write_text('{"event": "started", "time": "2026-01-01T00:00:00Z"}\n[]\n{"total": "x"}\n')
    assert read_summary(run.path).progress == "1 chunks"


def events(*entries):
    return "".join(f"{json.dumps(entry)}\n" for entry in entries)


def test_durations_add_up_over_processes(run):
    began = {"event": "started", "time": "2026-01-01T00:00:00Z"}
    (run.path / "events.jsonl").write_text(
        events(
            began,
            {"event": "stopped", "seconds": 10.5},
            {"event": "resumed", "time": "2026-01-02T00:00:00Z"},
            {"event": "ended", "seconds": 4},
        )
    )
    found = read_summary(run.path)
    assert (found.started, found.seconds, found.state) == ("2026-01-01T00:00:00Z", 14.5, "finished")


def test_a_killed_process_has_worked_until_its_last_chunk(run):
    journal = run.path / "chunks.jsonl"
    (run.path / "events.jsonl").write_text(events({"event": "started", "time": "2026-01-01T00:00:00Z"}))
    assert read_summary(run.path).seconds == 0
    run.save("00000", {"x": np.zeros(2)})
    os.utime(journal, (1767225690, 1767225690))
    assert read_summary(run.path).seconds == 90
    with run.exclusive():
        pass
    log = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in log] == ["started", "killed", "resumed", "ended"]
    assert log[1]["seconds"] == 90
    assert 90 <= read_summary(run.path).seconds < 100


@pytest.mark.parametrize("time", ["", None, 3, "soon", "9999-99-99T00:00:00Z", "\ud800"])
def test_a_log_of_anything_is_no_crash(run, time):
    (run.path / "events.jsonl").write_text(events({"event": "started", "time": time, "seconds": "x", "total": []}))
    run.save("00000", {"x": np.zeros(2)})
    found = read_summary(run.path)
    assert (found.state, found.progress) == ("killed", "1 chunks")
    assert 0 <= found.seconds < 10


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min 0 s"), (61, "1 min 1 s"), (3600, "1 h 0 min"), (90061, "1 d 1 h"), (12.2, "12 s")],
)
def test_durations_in_words(seconds, text):
    assert duration(seconds) == text


def test_a_line_of_the_list(run):
    with run.exclusive(2000, "images"):
        run.save("00000", {"x": np.zeros(2)}, count=1200)
    found = read_summary(run.path)
    parts = ("lemon-1", "visualize", "caffenet-mini fc8:lemon", "1,200/2,000 images", "finished")
    assert found.cells() == (*parts, found.started, "0 s")
    assert (found.directory, found.executor, found.failed) == (os.getcwd(), "", {})


@pytest.mark.parametrize(
    ("task", "spec", "inputs", "what"),
    [
        ("again", {"run": "runs/a", "job": 3, "target": "t"}, {}, "runs/a job 3"),
        ("evolve", {"score": "m:f", "prior": "p"}, {}, "m:f"),
        ("train", {"model": "judge-mini"}, {}, "judge-mini"),
        ("visualize", {"target": {"object": "Net"}, "objective": "fc8:3"}, {"target": {"name": "Net"}}, "Net fc8:3"),
        ("visualize", {"target": {"object": "Net"}, "objective": ["a", "b"]}, {}, "an object in Python"),
        ("tune", {"target": {"object": "Target"}, "score": "probability"}, {"target": {"name": "mine"}}, "mine"),
        ("tune", {"target": None, "score": "lab:neuron"}, {"target": None, "prior": {"name": "p"}}, "lab:neuron"),
        ("tune", {"target": {"object": "Target"}}, {"prior": {"name": "pixels"}}, "pixels"),
        ("tune", {"target": "caffenet-mini"}, {"target": {"name": "other"}}, "caffenet-mini"),
        ("reproduce", {"experiment": "fig1"}, {}, "fig1"),
        ("reproduce", {"experiment": "fig1", "target": "mine"}, {}, "fig1 mine"),
    ],
)
def test_what_a_run_is_of(tmp_path, task, spec, inputs, what):
    assert read_summary(Run.create_at(tmp_path / "run", Record(task, spec, inputs)).path).what == what


def test_what_may_not_be_looked_into_is_no_run(run, monkeypatch):
    (run.path.parent / "aaa").mkdir()
    is_file = type(run.path).is_file

    def denied(path):
        if path.parent.name == "aaa":
            raise PermissionError(13, "Permission denied")
        return is_file(path)

    monkeypatch.setattr(type(run.path), "is_file", denied)
    assert [one.name for one in list_runs(run.path.parent)] == ["lemon-1"]
