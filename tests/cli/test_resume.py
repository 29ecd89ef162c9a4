"""`dgnam resume`: killed runs of all tasks come to the bytes of one that ran through; what can't go on is one line."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import dgnam
from dgnam.am import GeneratorPrior, ZeroStart
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, write_hdf5_weights
from dgnam.cli import app as cli
from dgnam.runs import Record
from dgnam.runs.interrupt import STOPPED
from tests.api.conftest import GENERATOR, TARGET

BLOCK = 64
PROGRAM = f"""
import sys
from importlib import import_module
for name in ("act_range", "top_images"):
    import_module(f"dgnam.api.{{name}}").BLOCK = {BLOCK}
from dgnam.am import released
import_module("dgnam.api.tune").published_settings = lambda: {{"released": released(n_iters=2)}}
from dgnam.cli.app import main
main()
"""
"""The command line, with chunks of few pictures, and a tuning's report with few steps."""

CODE = """
def bright(images, objectives):
    return images.mean((1, 2, 3))

def red(pictures):
    return pictures[..., 0].mean((1, 2))
"""


@pytest.fixture
def home(tmp_path, monkeypatch, published_in_two_steps):
    """Two folders to run in, whole and killed; pictures, a module of scores, small chunks of pictures, few steps."""
    for name in ("act_range", "top_images"):
        monkeypatch.setattr(import_module(f"dgnam.api.{name}"), "BLOCK", BLOCK)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "score_of_resume", raising=False)
    (tmp_path / "score_of_resume.py").write_text(CODE)
    draw = np.random.default_rng(0)
    for k in range(4):
        Image.fromarray(draw.integers(0, 256, (28, 28, 3)).astype(np.uint8)).save(tmp_path / f"{k}.png")
    (tmp_path / "list.txt").write_text("".join(f"{k % 4}.png 0\n" for k in range(1000)))
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "whole")
    return tmp_path


@pytest.fixture
def copied(home, tiny_nets):
    """The tiny nets in a folder of the test's own, as a command names them."""
    folder = home / "nets"
    shutil.copytree(tiny_nets, folder)
    return [
        *(str(folder / "target.prototxt"), "--weights", str(folder / "target.h5")),
        *("--prior", str(folder / "generator.prototxt"), "--prior-weights", str(folder / "generator.h5")),
        *("--clip", "none"),
    ]


@pytest.fixture
def command(capsys, monkeypatch):
    """The exit status of a command, and what it prints to both streams."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["dgnam", *map(str, arguments)])
        try:
            cli.main()
            status = 0
        except SystemExit as stop:
            status = 0 if stop.code is None else int(stop.code)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def begin(task, nets, home, trials=3):
    """The command that begins a run of a task in `runs/x-1`; `trials` of a tuning."""
    few = {
        "evolve": ("fc8:3", "--method", "genetic", "--population", 6, "--generations", 12, "--seeds", 2),
        "tune": ("fc8:0-1", "--report", "fc8:5-6", "--score", "score_of_resume:bright", "--trials", trials),
    }
    target, *rest = nets
    usual = ("--name", "x", "--quiet")
    if task == "act-range":
        how = ("--layer", "fc8", "--batch-size", 16, "--weights", nets[2], "--images", home / "list.txt")
        return (task, "--encoder", target, *how, *usual)
    if task == "top-images":
        how = ("--batch-size", 16, "--k", 5, "--weights", nets[2], "--images", home / "list.txt")
        return (task, target, "conv5:0-3", *how, *usual)
    steps = ("--n-iters", "2,40", "--sampler", "tpe") if task == "tune" else ()
    return (task, target, *few[task], *rest, *steps, *usual)


def again(task):
    """What a resume of the task needs besides the folder."""
    return ("--score", "score_of_resume:bright") if task == "tune" else ()


def contents(folder):
    """All files of a run but the one that tells the time."""
    files = [p for p in sorted(Path(folder).rglob("*")) if p.is_file() and p.name != "events.jsonl"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def lines(path):
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def kill(process, log, before, seconds):
    """Send SIGKILL so many seconds after the process began to write, if it hasn't ended by then."""
    deadline = time.monotonic() + 120
    while process.poll() is None and lines(log) <= before:
        assert time.monotonic() < deadline, "the process wrote nothing in two minutes"
        time.sleep(0.002)
    time.sleep(seconds)
    process.kill()
    _, err = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), err


def start(home, *arguments):
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    given = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    env = {**os.environ, **threads, **paths}
    return subprocess.Popen(given, cwd=home / "killed", stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=env)


TUNING = pytest.param("tune", marks=pytest.mark.exhaustive)
"""Killed in tests/am/tuning/test_tune.py too."""

TOP_IMAGES = pytest.param("top-images", marks=pytest.mark.exhaustive)
"""It goes through pictures as act-range does."""


@pytest.mark.parametrize("task", ["evolve", TUNING, "act-range", TOP_IMAGES])
def test_killed_at_random_moments_it_comes_to_the_same_bytes(home, copied, command, monkeypatch, task):
    began = time.monotonic()
    status, _, err = command(*begin(task, copied, home, trials=12))
    assert (status, err) == (0, "")
    took = time.monotonic() - began
    folder, chance = home / "killed/runs/x-1", random.Random()
    kill(start(home, *begin(task, copied, home, trials=12)), folder / "events.jsonl", 0, chance.uniform(0, took))
    before = lines(folder / "events.jsonl")
    resumed = start(home, "resume", "runs/x-1", "--quiet", *again(task))
    kill(resumed, folder / "events.jsonl", before, chance.uniform(0, took / 2))
    monkeypatch.chdir(home / "killed")
    status, _, err = command("resume", "runs/x-1", "--quiet", *again(task))
    assert (status, err) == (0, "")
    assert contents(folder) == contents(home / "whole/runs/x-1")


@pytest.mark.parametrize("task", ["evolve", "tune", "act-range", "top-images"])
def test_a_finished_run_resumes_to_itself(home, copied, command, task):
    command(*begin(task, copied, home))
    before = contents("runs/x-1")
    status, out, err = command("resume", "runs/x-1", "--quiet", *again(task))
    assert (status, err) == (0, "")
    assert "==> made: runs/x-1/" in out
    assert contents("runs/x-1") == before


@pytest.mark.parametrize(("task", "option"), [("evolve", "--generations"), ("tune", "--trials")])
def test_more_can_be_asked_for(home, copied, command, task, option):
    command(*begin(task, copied, home), option, 7)
    command(*begin(task, copied, home), option, 3)
    status, _, err = command("resume", "runs/x-2", option, 7, "--quiet", *again(task))
    assert (status, err) == (0, "")
    one, two = contents("runs/x-1"), contents("runs/x-2")
    for name in ("chunks.jsonl", "run.json"):
        del one[name], two[name]
    assert two == one


@pytest.mark.parametrize(
    ("task", "refused"),
    [
        (
            "evolve",
            [
                (("--trials", 3), "a run of 'evolve' has no trials; it has "),
                (("--data", "x"), "a run of 'evolve' has no data"),
                (("--target", "caffenet-mini"), "leave weights out"),
            ],
        ),
        (
            "tune",
            [
                (("--generations", 3), "a run of 'tune' has no generations"),
                ((), "was begun with the score score_of_resume:bright: pass it again, --score score_of_resume:bright"),
                (("--score", "rank"), "score"),
            ],
        ),
        ("act-range", [(("--target", "a:b"), "a run of 'act_range' has no target")]),
    ],
)
def test_options_that_a_run_does_not_have(home, copied, command, task, refused):
    command(*begin(task, copied, home))
    before = contents("runs/x-1")
    for options, message in refused:
        status, out, err = command("resume", "runs/x-1", *options)
        assert (status, out, err.count("\n")) == (2, "", 1), options
        assert message in err
        assert contents("runs/x-1") == before


def with_changed_weights(folder, name, text):
    write_hdf5_weights(folder / name, CaffeModule(parse_net(text), seed=9).weights())


@pytest.mark.parametrize("task", ["evolve", "tune", "act-range", "top-images"])
@pytest.mark.parametrize(("name", "text"), [("target.h5", TARGET), ("generator.h5", GENERATOR)])
def test_a_run_whose_files_have_changed_does_not_go_on(home, copied, command, task, name, text):
    if task in ("act-range", "top-images") and name == "generator.h5":
        pytest.skip("what is measured of pictures needs no generator")
    command(*begin(task, copied, home))
    with_changed_weights(home / "nets", name, text)
    status, _, err = command("resume", "runs/x-1", *again(task))
    assert (status, err.count("\n")) == (2, 1)
    assert (
        f"cannot resume runs/x-1: {'prior' if 'gen' in name else 'encoder' if task == 'act-range' else 'target'}" in err
    )
    assert f"files.nets/{name} changed" in err
    (home / "nets" / name).unlink()
    status, _, err = command("resume", "runs/x-1", *again(task))
    assert (status, err.count("\n")) == (2, 1)
    assert name in err


def test_a_run_with_objects_goes_on_from_python(home, tiny_nets, command):
    prior = GeneratorPrior(CaffeModule(parse_net(GENERATOR), seed=1))
    how = {"weights": tiny_nets / "target.h5", "prior": prior, "start": ZeroStart(), "generations": 2, "folder": "a"}
    dgnam.evolve(tiny_nets / "target.prototxt", "fc8:1", method="genetic", progress=False, **how)
    status, out, err = command("resume", "a")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "a was begun in Python with prior, start as an object: resume it by the same call with resume=True" in err
    found = dgnam.evolve(
        tiny_nets / "target.prototxt",
        "fc8:1",
        method="genetic",
        progress=False,
        resume=True,
        **{**how, "generations": 3},
    )
    assert found.traces.shape == (1, 3)


def test_a_run_from_python_goes_on_in_the_shell_and_back(home, copied, command):
    folder = home / "nets"
    how = {"weights": folder / "target.h5", "prior": folder / "generator.prototxt", "method": "genetic", "seeds": 2}
    how |= {"prior_weights": folder / "generator.h5", "folder": "a", "population": 6, "progress": False}
    dgnam.evolve(folder / "target.prototxt", "fc8:3", generations=5, **how)
    assert command("resume", "a", "--generations", 9, "--quiet")[0] == 0
    dgnam.evolve(folder / "target.prototxt", "fc8:3", generations=12, resume=True, **how)
    command(*begin("evolve", copied, home))
    one, two = contents("a"), contents("runs/x-1")
    for name in ("chunks.jsonl", "run.json"):
        del one[name], two[name]
    assert one == two


def test_a_search_for_a_neuron_goes_on_by_its_own_commands(home, command):
    command("evolve", "new", "neuron", "--method", "genetic", "--population", 4)
    status, _, err = command("resume", "neuron")
    assert status == 2
    assert "dgnam evolve ask neuron" in err


def edit(**changes):
    """Change run.json of `runs/x-1`; `spec` and `inputs` are merged."""
    path = Path("runs/x-1/run.json")
    record = json.loads(path.read_text())
    for name, value in changes.items():
        record[name] = {**record[name], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(record))


@pytest.mark.parametrize("task", ["os:system", "search", "", "dgnam", "__class__"])
def test_a_task_that_no_command_does(home, copied, command, task):
    command(*begin("evolve", copied, home))
    edit(task=task)
    status, out, err = command("resume", "runs/x-1")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert f"holds a run of '{task}'" in err


WRONG = {
    "evolve": [
        *(("generations", "a"), ("population", []), ("method", 3), ("seeds", "x"), ("seed", None), ("batch_size", 1.5)),
        *(("objective", {}), ("prior", 3), ("clip", {}), ("start", 7), ("labels", 5), ("weights", 3), ("device", None)),
        *(("channels", 3), ("scale", "x"), ("mean", 3), ("score", 5), ("name", []), ("output", 3), ("strange", 1)),
        *(("resume", True), ("seeds", []), ("seeds", 10**9), ("generations", None)),
    ],
    "tune": [
        *(("trials", "4"), ("sampler", None), ("n_iters", 5), ("start_lr", [[], 2]), ("l2", ["a", "b"]), ("seed", 1.5)),
        *(("norm_penalty", {}), ("report_on", 3), ("judge", 3), ("show", "a"), ("target", 7), ("strange", 1)),
    ],
    "act-range": [
        *(("images", 3), ("encoder", None), ("layer", 3), ("k", "3"), ("root", 3), ("listing", 3), ("data", 3)),
        *(("resize", None), ("size", 8), ("limit", "a"), ("skip_broken", 3), ("batch_size", None), ("integers", "no")),
        *(("weights", []), ("strange", 1)),
    ],
}


@pytest.mark.parametrize("task", WRONG)
def test_a_spec_that_no_command_made_is_one_line(home, copied, command, task):
    command(*begin(task, copied, home))
    before = Path("runs/x-1/run.json").read_bytes()
    for name, value in WRONG[task]:
        Path("runs/x-1/run.json").write_bytes(before)
        edit(spec={name: value})
        status, out, err = command("resume", "runs/x-1", "--quiet", *again(task))
        assert (status, out, err.count("\n")) == (2, "", 1), (name, err)


EVIL = [
    ("target", "evil_of_resume:net"),
    ("target", {"a": "evil_of_resume:net", "b": "caffenet-mini"}),
    ("target", {"a": {"b": "evil_of_resume:net"}}),
    ("target", "caffenet-mini,evil_of_resume:net"),
    ("score", "evil_of_resume:net"),
    ("score", "evil_of_resume:net.prototxt"),
    ("score", "evil_of_resume:x.pbtxt"),
]
"""What a record may name, and code must not be imported for."""


@pytest.mark.parametrize("task", ["evolve", "tune"])
def test_a_record_imports_no_code(home, copied, command, task):
    (home / "evil_of_resume.py").write_text("from pathlib import Path\nPath('owned').touch()\n")
    command(*begin(task, copied, home))
    before = Path("runs/x-1/run.json").read_bytes()
    for name, value in EVIL:
        Path("runs/x-1/run.json").write_bytes(before)
        edit(spec={"target": None, "score": None, "weights": None, "labels": None, name: value})
        for given in ((), again("tune") if name == "target" else ()):
            status, _, err = command("resume", "runs/x-1", *given)
            assert (status, err.count("\n")) == (2, 1), (name, value)
        assert not Path("owned").exists(), (name, value)
        assert "evil_of_resume" not in sys.modules, (name, value)


@pytest.mark.parametrize(
    "encoder", ["evil_of_resume:net", {"a": "evil_of_resume:net"}, "caffenet-mini,evil_of_resume:net"]
)
def test_a_record_of_act_range_imports_no_code(home, copied, command, encoder):
    (home / "evil_of_resume.py").write_text("from pathlib import Path\nPath('owned').touch()\n")
    command(*begin("act-range", copied, home))
    edit(spec={"encoder": encoder, "weights": None})
    status, _, err = command("resume", "runs/x-1")
    assert (status, err.count("\n")) == (2, 1)
    assert "pass it again, --encoder" in err
    assert not Path("owned").exists()


def test_there_is_no_folder(home, command):
    status, _, err = command("resume", "nowhere")
    assert (status, err) == (2, "dgnam: nowhere holds no run: there is no run.json in it\n")


def test_no_file_replaces_a_model(home, command, monkeypatch):
    made = []
    monkeypatch.setattr("dgnam.train.zoo.build_model", lambda *_, **how: made.append(how["replace"]))
    (home / "x").mkdir()
    Record("train", {"model": "caffenet-mini", "replace": True}, {}).write(home / "x")
    status, _, err = command("resume", home / "x")
    assert (status, made) == (2, [])
    assert "was begun to replace a model that exists: pass --replace again" in err
    command("resume", home / "x", "--replace")
    assert made == [True]


def test_a_training_left_at_a_checkpoint_has_the_status_of_one(home, command, monkeypatch):
    monkeypatch.setattr("dgnam.train.zoo.build_model", lambda *_, **__: None)
    (home / "x").mkdir()
    Record("train", {"model": "caffenet-mini"}, {}).write(home / "x")
    status, out, _ = command("resume", home / "x")
    assert status == STOPPED
    assert "made" not in out


def test_a_blocked_experiment_is_no_success(home, command, monkeypatch):
    monkeypatch.setattr("dgnam.experiments.execution._missing", lambda *_: ["no weights"])
    (home / "x").mkdir()
    Record("reproduce", {"experiment": "fig1", "models": "paper"}, {}).write(home / "x")
    status, out, err = command("resume", home / "x")
    assert (status, out) == (2, "")
    assert "fig1 is blocked: no weights" in err


def test_an_extended_run_stays_extended(home, copied, command):
    """What was asked for at the last resume is what a plain resume goes on to."""
    command(*begin("evolve", copied, home))
    assert command("resume", "runs/x-1", "--generations", 14, "--quiet")[0] == 0
    assert Record.read("runs/x-1").spec["generations"] == 14
    longer = contents("runs/x-1")
    assert command("resume", "runs/x-1", "--quiet")[0] == 0
    assert contents("runs/x-1") == longer
