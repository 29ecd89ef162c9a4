"""The commands, as a person gives them; a killed run goes on and comes to the same bytes."""

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
from dgnam.runs.lock import locked


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
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()}


def manifest(folder):
    return [json.loads(line) for line in (Path(folder) / "manifest.jsonl").read_text().splitlines()]


@pytest.fixture
def run(capsys, monkeypatch, tmp_path, options):
    """A command on the tiny nets, in a folder of its own: `run("synthesize", "fc8:3", "--seeds", 2)`."""
    monkeypatch.chdir(tmp_path)

    def go(command, objective, *more):
        target, *rest = options
        return dgnam(capsys, monkeypatch, command, target, objective, *rest, "--quiet", *more)

    return go


def test_synthesize_leaves_all_that_belongs_to_a_run(run):
    status, out, err = run("synthesize", "fc8:man-eater", "--seeds", 3, "--iters", 8)
    assert (status, err) == (0, "")
    assert "made: runs/synthesize-1" in out
    folder = Path("runs/synthesize-1")
    lines = manifest(folder)
    assert [(line["objective"], line["caption"], line["seed"]) for line in lines] == [
        ("fc8:1", "great white shark", seed) for seed in range(3)
    ]
    assert all(line["activation"] > line["first_activation"] and line["steps"] == 8 for line in lines)
    for line in lines:
        with Image.open(folder / line["image"]) as picture:
            assert picture.size == (28, 28)
    assert lines[0]["image"] == "images/fc8_0001_08_0.99_8.0__0.png"
    with h5py.File(folder / "chunks/00000.h5") as chunk:
        assert chunk["images"].shape == (3, 3, 28, 28)
        assert chunk["codes"].shape == (3, 12)
        assert chunk["activations"].shape == (3, 8)
    assert {"grid.png", "traces.png", "summary.csv", "run.json"} <= {p.name for p in folder.iterdir()}
    record = json.loads((folder / "run.json").read_text())["record"]
    assert record["settings"][0]["n_iters"] == 8
    assert record["view"].startswith("Centre")


def test_the_same_command_gives_the_same_bytes_in_a_folder_of_its_own(run):
    for _ in range(2):
        run("synthesize", "fc8:0-3", "--iters", 4, "--batch-size", 3, "--movie", "gif", "--every", 2)
    assert contents("runs/synthesize-1") == contents("runs/synthesize-2")
    assert len(list(Path("runs/synthesize-1/movies").glob("*.gif"))) == 4


def test_sweep_takes_each_combination(run):
    status, out, _ = run("sweep", "fc8:0,2", "--iters", "2,3", "--l2", "0.9,0.99", "--seeds", 2)
    assert status == 0
    lines = manifest("runs/sweep-1")
    assert len(lines) == 2 * 2 * 2 * 2
    assert len({(line["objective"], line["n_iters"], line["regularisation"], line["seed"]) for line in lines}) == 16
    assert len({line["image"] for line in lines}) == 16
    assert "2 steps from 8, Shrink(factor=0.9): 4 images" in out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["fc9:3"], "no layer 'fc9'"),
        (["fc8:hens"], "closest: hen (3)"),
        (["fc8:10"], "0 to 9"),
        (["fc8:1", "--lr", "2", "--clip", "act_range"], "no act_range"),
        (["fc8:1", "--clip", "box"], "clip 'box'"),
        (["fc8:1", "--settings", "relased"], "released"),
        (["fc8:1", "--start", "imge:x.png"], "image:FILE"),
        (["fc8:1", "--start", "codes:nothing.npy"], "no such file"),
        (["fc8:1", "--l2", "0.9", "--norm-penalty", "0.005"], "one of the two"),
        (["fc8:1", "--movie", "avi"], "movie '.avi'"),
        (["fc8:1", "--device", "tpu"], "device 'tpu'"),
        (["fc8:1", "--seeds", 10**12], "1,000,000,000,000 images are too many for one run: at most 1,000,000"),
        (["fc8:0-9", "--seeds", 10**6], "10,000,000 images are too many for one run"),
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


def test_resume_takes_no_other_options(run, capsys, monkeypatch):
    run("synthesize", "fc8:0", "--iters", 2)
    status, _, err = dgnam(capsys, monkeypatch, "synthesize", "--resume", "runs/synthesize-1", "--iters", 9)
    assert status == 2
    assert "leave iters out" in err


def test_a_finished_run_resumes_to_itself(run, capsys, monkeypatch):
    run("synthesize", "fc8:0-2", "--iters", 3, "--batch-size", 2)
    before = contents("runs/synthesize-1")
    status, _, err = dgnam(capsys, monkeypatch, "synthesize", "--resume", "runs/synthesize-1", "--quiet")
    assert (status, err) == (0, "")
    assert contents("runs/synthesize-1") == before


def test_a_damaged_or_missing_chunk_is_made_again(run, capsys, monkeypatch):
    run("synthesize", "fc8:0-5", "--iters", 3, "--batch-size", 2)
    before = contents("runs/synthesize-1")
    chunk = Path("runs/synthesize-1/chunks/00001.h5")
    chunk.write_bytes(chunk.read_bytes()[:500])
    dgnam(capsys, monkeypatch, "synthesize", "--resume", "runs/synthesize-1", "--quiet")
    assert contents("runs/synthesize-1") == before


def test_a_chunk_beyond_the_last_is_let_be(run, capsys, monkeypatch):
    run("synthesize", "fc8:0-1", "--iters", 2, "--batch-size", 1)
    chunks = Path("runs/synthesize-1/chunks")
    (chunks / "00002.h5").write_bytes((chunks / "00001.h5").read_bytes())
    status, _, err = dgnam(capsys, monkeypatch, "synthesize", "--resume", "runs/synthesize-1", "--quiet")
    assert (status, err) == (0, "")


def test_a_run_whose_files_have_changed_does_not_go_on(run, capsys, monkeypatch, nets):
    run("synthesize", "fc8:0", "--iters", 2)
    path = Path("runs/synthesize-1/run.json")
    path.write_text(path.read_text().replace('"seeds": [\n      0', '"seeds": [\n      1'))
    status, _, err = dgnam(capsys, monkeypatch, "synthesize", "--resume", "runs/synthesize-1")
    assert status == 2
    assert "can't go on: it was made with seeds [1]" in err


@pytest.mark.parametrize(("text", "reason"), [("{", "not JSON"), ("[]", "no record"), ('{"format": 9}', "format 9")])
def test_a_record_that_cannot_be_used_is_named(run, capsys, monkeypatch, tmp_path, text, reason):
    (tmp_path / "run.json").write_text(text)
    status, _, err = dgnam(capsys, monkeypatch, "synthesize", "--resume", tmp_path)
    assert status == 2
    assert "run.json" in err
    assert reason in err


def start(options, objective, *more):
    """The command in a process of its own, that can be killed."""
    target, *rest = options
    command = [sys.executable, "-m", "dgnam", "synthesize", target, objective, *rest, "--quiet", *more]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_a_run_that_is_killed_at_random_moments_loses_no_finished_job(run, options, monkeypatch, capsys):
    how = ("--iters", "40", "--batch-size", "2", "--movie", "gif")
    run("synthesize", "fc8:0-9", *how, "--output", "whole")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    draw = random.Random(5)
    process = start(options, "fc8:0-9", *how, "--output", "killed")
    finished = 0
    for _ in range(3):
        deadline = time.monotonic() + 60
        folder = Path("killed/synthesize-1")
        while process.poll() is None and len(list(folder.glob("chunks/*.h5"))) <= finished:
            assert time.monotonic() < deadline, "no batch was finished in a minute"
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kept = {p.name: p.read_bytes() for p in folder.glob("chunks/*.h5")}
        assert len(kept) > finished or len(kept) == 5
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
    command = [sys.executable, "-m", "dgnam", "synthesize", "--resume", str(folder), "--quiet"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    process = start(options, "fc8:0-9", "--iters", "2000", "--batch-size", "2")
    folder = Path("runs/synthesize-1")
    deadline = time.monotonic() + 60
    while not list(folder.glob("chunks/*.h5")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"go on: dgnam synthesize --resume {folder}" in err
    assert "Traceback" not in err
    done = len(list(folder.glob("chunks/*.h5")))
    assert f"{2 * done} of 10 images are done" in err
    assert len(manifest(folder)) == 2 * done


def test_start_from_a_code_file_and_without_search_the_code_is_there(run):
    codes = np.random.default_rng(0).normal(0, 1, (2, 12)).astype(np.float32)
    np.save("mine.npy", codes)
    run("synthesize", "fc8:0", "--start", "codes:mine.npy", "--seeds", 2, "--iters", 1, "--lr", "1e-30", "--l2", "1")
    with h5py.File("runs/synthesize-1/chunks/00000.h5") as chunk:
        assert np.allclose(chunk["codes"], codes, atol=1e-6)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"seeds": 1,', '"seeds": "x",'),
        ('"iters": [', '"iters": [null, '),
        ('"lr"', '"rate"'),
        ('"fps": 10.0', f'"fps": 1{"0" * 400}'),
    ],
)
def test_a_request_that_no_command_made_is_named(run, capsys, monkeypatch, old, new):
    run("synthesize", "fc8:0", "--iters", 2)
    path = Path("runs/synthesize-1/run.json")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    status, _, err = dgnam(capsys, monkeypatch, "synthesize", "--resume", "runs/synthesize-1")
    assert status == 2
    assert "run.json: " in err
    assert err.count("\n") == 1


def test_two_processes_do_not_work_in_one_folder(run, capsys, monkeypatch):
    run("synthesize", "fc8:0", "--iters", 2)
    with locked(Path("runs/synthesize-1")):
        status, _, err = dgnam(capsys, monkeypatch, "synthesize", "--resume", "runs/synthesize-1")
    assert status == 2
    assert "another process is at work" in err
