"""The commands, as a person gives them; a killed run goes on and comes to the same bytes."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from dgnam.cli import app as cli
from dgnam.runs.lock import exclusive


def dgnam(capsys, monkeypatch, *args):
    """The command's exit status, and what it prints to both streams."""
    monkeypatch.setattr(sys, "argv", ["dgnam", *map(str, args)])
    try:
        cli.main()
        status = 0
    except SystemExit as stop:
        status = 0 if stop.code is None else int(stop.code)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def contents(folder):
    """All files of a run but the one that tells the time."""
    files = [p for p in sorted(Path(folder).rglob("*")) if p.is_file() and p.name != "events.jsonl"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def table(folder):
    with open(Path(folder) / "summary.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def run(capsys, monkeypatch, tmp_path, options):
    """A command on the tiny nets, in a folder of its own: `run("synthesize", "fc8:3", "--seeds", 2)`."""
    monkeypatch.chdir(tmp_path)

    def go(command, objective, *more):
        target, *rest = options
        return dgnam(
            capsys,
            monkeypatch,
            command,
            target,
            objective,
            *rest,
            "--clip",
            "none",
            "--quiet",
            "--name",
            command,
            *more,
        )

    return go


def test_synthesize_leaves_all_that_belongs_to_a_run(run):
    status, out, err = run("synthesize", "fc8:man-eater", "--seeds", 3, "--n-iters", 8)
    assert (status, err) == (0, "")
    assert "made: runs/synthesize-1" in out
    folder = Path("runs/synthesize-1")
    lines = table(folder)
    assert [(line["objective"], line["caption"], line["seed"]) for line in lines] == [
        ("fc8:1", "great white shark", str(seed)) for seed in range(3)
    ]
    assert all(float(line["activation"]) > float(line["first_activation"]) and line["steps"] == "8" for line in lines)
    for line in lines:
        with Image.open(folder / line["image"]) as picture:
            assert picture.size == (28, 28)
    assert lines[0]["image"] == "images/fc8_0001_08_0.99_8.0__0.png"
    with h5py.File(folder / "chunks/00000.h5") as chunk:
        assert chunk["images"].shape == (3, 3, 28, 28)
        assert chunk["codes"].shape == (3, 12)
        assert chunk["activations"].shape == (3, 8)
    assert {"grid.png", "traces.png", "summary.csv", "run.json"} <= {p.name for p in folder.iterdir()}
    record = json.loads((folder / "run.json").read_text())
    assert record["task"] == "visualize"
    assert record["spec"]["objective"] == "fc8:man-eater"
    assert record["inputs"]["settings"][0]["n_iters"] == 8
    assert record["inputs"]["framing"].startswith("CenterCrop")


def test_the_same_command_gives_the_same_bytes_in_a_folder_of_its_own(run):
    for _ in range(2):
        run("synthesize", "fc8:0-3", "--n-iters", 4, "--batch-size", 3, "--movie", "gif", "--every", 2)
    assert contents("runs/synthesize-1") == contents("runs/synthesize-2")
    assert len(list(Path("runs/synthesize-1/movies").glob("*.gif"))) == 4


def test_sweep_takes_each_combination(run):
    status, out, _ = run("sweep", "fc8:0,2", "--n-iters", "2,3", "--l2", "0.9,0.99", "--seeds", 2)
    assert status == 0
    lines = table("runs/sweep-1")
    assert len(lines) == 2 * 2 * 2 * 2
    assert len({(line["objective"], line["n_iters"], line["regularizer"], line["seed"]) for line in lines}) == 16
    assert len({line["image"] for line in lines}) == 16
    assert "2 steps from 8, L2Decay(factor=0.9): 4 images" in out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["fc9:3"], "no layer 'fc9'"),
        (["fc8:hens"], "closest: hen (3)"),
        (["fc8:10"], "0 to 9"),
        (["fc8:1", "--start-lr", "2", "--clip", "act_range"], "no act_range"),
        (["fc8:1", "--clip", "box"], "clip 'box'"),
        (["fc8:1", "--settings", "relased"], "released"),
        (["fc8:1", "--start", "imge:x.png"], "image:FILE"),
        (["fc8:1", "--start", "codes:nothing.npy"], "no such file"),
        (["fc8:1", "--l2", "0.9", "--norm-penalty", "0.005"], "one of the two"),
        (["fc8:1", "--movie", "avi"], "movie '.avi'"),
        (["fc8:1", "--device", "tpu"], "device 'tpu'"),
        (["fc8:1", "--seeds", 10**12], "1,000,000,000,000 images are too many for one run: at most 10,000,000"),
        (["fc8:0-9", "--seeds", 2 * 10**6], "20,000,000 images are too many for one run"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(run, more, message):
    status, out, err = run("synthesize", *more)
    assert status == 2
    assert message in err
    assert err.startswith("dgnam: ")
    assert err.count("\n") == 1
    assert out == ""
    assert not Path("runs").exists()


def test_a_finished_run_resumes_to_itself(run, capsys, monkeypatch):
    run("synthesize", "fc8:0-2", "--n-iters", 3, "--batch-size", 2)
    before = contents("runs/synthesize-1")
    status, _, err = dgnam(capsys, monkeypatch, "resume", "runs/synthesize-1", "--quiet")
    assert (status, err) == (0, "")
    assert contents("runs/synthesize-1") == before


def test_a_damaged_or_missing_chunk_is_made_again(run, capsys, monkeypatch):
    run("synthesize", "fc8:0-5", "--n-iters", 3, "--batch-size", 2)
    before = contents("runs/synthesize-1")
    chunk = Path("runs/synthesize-1/chunks/00001.h5")
    chunk.write_bytes(chunk.read_bytes()[:500])
    dgnam(capsys, monkeypatch, "resume", "runs/synthesize-1", "--quiet")
    assert contents("runs/synthesize-1") == before


def test_a_chunk_beyond_the_last_is_let_be(run, capsys, monkeypatch):
    run("synthesize", "fc8:0-1", "--n-iters", 2, "--batch-size", 1)
    chunks = Path("runs/synthesize-1/chunks")
    (chunks / "00002.h5").write_bytes((chunks / "00001.h5").read_bytes())
    status, _, err = dgnam(capsys, monkeypatch, "resume", "runs/synthesize-1", "--quiet")
    assert (status, err) == (0, "")


def test_a_run_whose_files_have_changed_does_not_go_on(run, capsys, monkeypatch):
    run("synthesize", "fc8:0", "--n-iters", 2)
    path = Path("runs/synthesize-1/run.json")
    path.write_text(path.read_text().replace('"seeds": [\n      0', '"seeds": [\n      1'))
    status, _, err = dgnam(capsys, monkeypatch, "resume", "runs/synthesize-1")
    assert status == 2
    assert "cannot resume runs/synthesize-1: seeds[0] changed (was 1, now 0)" in err


@pytest.mark.parametrize(("text", "reason"), [("{", "not JSON"), ("[]", "not a record"), ('{"format": 9}', "format 9")])
def test_a_record_that_cannot_be_used_is_named(run, capsys, monkeypatch, tmp_path, text, reason):
    (tmp_path / "run.json").write_text(text)
    status, _, err = dgnam(capsys, monkeypatch, "resume", tmp_path)
    assert status == 2
    assert "run.json" in err
    assert reason in err


NAMED = ("--name", "synthesize")


def start(options, objective, *more):
    """The command in a process of its own, that can be killed."""
    target, *rest = options
    command = [sys.executable, "-m", "dgnam", "synthesize", target, objective, *rest, "--quiet", *NAMED, *more]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


@pytest.mark.exhaustive
def test_a_run_that_is_killed_at_random_moments_loses_no_finished_job(run, options, monkeypatch, capsys):
    how = ("--n-iters", "20", "--batch-size", "2", "--movie", "gif")
    run("synthesize", "fc8:0-7", *how, "--output", "whole")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    draw = random.Random(5)
    process = start(options, "fc8:0-7", *how, "--output", "killed")
    finished = 0
    for _ in range(2):
        deadline = time.monotonic() + 60
        folder = Path("killed/synthesize-1")
        while process.poll() is None and len(list(folder.glob("chunks/*.h5"))) <= finished:
            assert time.monotonic() < deadline, "no batch was finished in a minute"
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kept = {p.name: p.read_bytes() for p in folder.glob("chunks/*.h5")}
        assert len(kept) > finished or len(kept) == 4
        finished = len(kept)
        for name, found in kept.items():
            assert found == (Path("whole/synthesize-1/chunks") / name).read_bytes()
        process = start_again(folder)
    assert process.wait(120) == 0
    process.communicate()
    left = contents("killed/synthesize-1")
    partial = {name for name in left if name.endswith(".part")}
    whole = contents("whole/synthesize-1")
    assert {name: found for name, found in left.items() if name not in partial | {"run.json"}} == {
        name: found for name, found in whole.items() if name != "run.json"
    }


def start_again(folder):
    command = [sys.executable, "-m", "dgnam", "resume", str(folder), "--quiet"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    process = start(options, "fc8:0-9", "--n-iters", "2000", "--batch-size", "2")
    folder = Path("runs/synthesize-1")
    deadline = time.monotonic() + 60
    while not list(folder.glob("chunks/*.h5")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"resume it: dgnam resume {folder}" in err
    assert "Traceback" not in err
    done = len(list(folder.glob("chunks/*.h5")))
    assert f"{2 * done} of 10 images are done" in err


def test_start_from_a_code_file_and_without_search_the_code_is_there(run):
    codes = np.random.default_rng(0).normal(0, 1, (2, 12)).astype(np.float32)
    np.save("mine.npy", codes)
    nothing = ("--n-iters", 1, "--start-lr", "1e-30", "--end-lr", "0", "--l2", "1")
    run("synthesize", "fc8:0", "--start", "codes:mine.npy", "--seeds", 2, *nothing)
    with h5py.File("runs/synthesize-1/chunks/00000.h5") as chunk:
        assert np.allclose(chunk["codes"], codes, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("seeds", "x"), ("n_iters", [None]), ("rate", 3), ("fps", 10**400), ("target", 7), ("movies", 3)),
        *(("objective", {}), ("prior", 3), ("clip", {}), ("batch_size", 1.5), ("device", 3)),
    ],
)
def test_a_spec_that_no_command_made_is_one_line(run, capsys, monkeypatch, name, value):
    run("synthesize", "fc8:0", "--n-iters", 2)
    path = Path("runs/synthesize-1/run.json")
    record = json.loads(path.read_text())
    record["spec"][name] = value
    path.write_text(json.dumps(record))
    status, out, err = dgnam(capsys, monkeypatch, "resume", "runs/synthesize-1")
    assert (status, out) == (2, "")
    assert err.startswith("dgnam: ")
    assert err.count("\n") == 1


def test_a_run_folder_cannot_run_code(run, capsys, monkeypatch, tmp_path):
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath('owned').touch()\n")
    run("synthesize", "fc8:0", "--n-iters", 2)
    path = Path("runs/synthesize-1/run.json")
    before = json.loads(path.read_text())
    for task in ("visualize", "evolve", "tune", "train", "reproduce", "act_range", "search", "os:system"):
        for name in ("target", "score", "prior", "start", "encoder", "model", "experiment", "labels", "mean"):
            path.write_text(json.dumps({**before, "task": task, "spec": {**before["spec"], name: "evil:target"}}))
            for command in ("resume", "show"):
                dgnam(capsys, monkeypatch, command, "runs/synthesize-1")
    dgnam(capsys, monkeypatch, "runs")
    assert not Path("owned").exists()
    assert "evil" not in sys.modules


def test_two_processes_do_not_work_in_one_folder(run, capsys, monkeypatch):
    run("synthesize", "fc8:0", "--n-iters", 2)
    with exclusive(Path("runs/synthesize-1")):
        status, _, err = dgnam(capsys, monkeypatch, "resume", "runs/synthesize-1")
    assert status == 2
    assert "another process is at work" in err
