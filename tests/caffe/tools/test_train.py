"""`dgnam caffe train`: what it makes, how it is stopped, and what it refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from dgnam.caffe.proto import read_weights
from dgnam.cli import app as cli
from dgnam.errors import CaffeError, DgnamError
from dgnam.runs.interrupt import BAD_INPUT
from tests.caffe.solvers import NET
from tests.caffe.tools.commands import messages, run


@pytest.fixture
def solver(tmp_path):
    """Writes solver files of the small net."""
    (tmp_path / "net.prototxt").write_text(NET)

    def write(text, name="solver.prototxt"):
        path = tmp_path / name
        path.write_text(f'net: "{tmp_path}/net.prototxt" base_lr: 0.1 lr_policy: "fixed" random_seed: 1 {text}')
        return str(path)

    return write


@pytest.mark.parametrize("spelling", [("--solver={}",), ("-solver={}",), ("--solver", "{}"), ("-solver", "{}")])
def test_a_training_writes_its_log_and_its_snapshot(tmp_path, solver, capsys, spelling):
    file = solver("max_iter: 3 display: 2 test_iter: 1 test_interval: 2 snapshot: 2 solver_mode: CPU")
    run("train", *(part.format(file) for part in spelling))
    lines = messages(capsys)
    assert lines[0] == "Use CPU."
    assert lines[-2:] == ["Optimization Done.", "Optimization Done."]
    at = lines.index("Starting Optimization")
    assert lines[at + 1 : at + 4] == ["Solving toy", "Learning Rate Policy: fixed", "Iteration 0, Testing net (#0)"]
    assert "Iteration 2, lr = 0.1" in lines
    assert {path.name for path in tmp_path.glob("solver_iter*")} == {
        f"solver_iter_{i}.{kind}" for i in (2, 3) for kind in ("caffemodel", "solverstate")
    }


def test_a_training_goes_on_from_a_snapshot_and_from_weights(tmp_path, solver, capsys):
    run("train", "-solver", solver("max_iter: 2"))
    run(
        "train", "-solver", solver("max_iter: 4", "long.prototxt"), "-snapshot", f"{tmp_path}/solver_iter_2.solverstate"
    )
    assert f"Resuming from {tmp_path}/solver_iter_2.solverstate" in messages(capsys)
    assert (tmp_path / "long_iter_4.caffemodel").exists()
    run("train", "-solver", solver("max_iter: 0", "warm.prototxt"), "-weights", f"{tmp_path}/long_iter_4.caffemodel")
    assert f"Finetuning from {tmp_path}/long_iter_4.caffemodel" in messages(capsys)
    old, new = (read_weights(tmp_path / f"{name}.caffemodel") for name in ("long_iter_4", "warm_iter_0"))
    assert all(np.array_equal(old["ip"][i], new["ip"][i]) for i in (0, 1))


def test_level_and_stage_reach_the_train_net(tmp_path, solver, capsys):
    dropped = NET.replace('name: "drop"', 'name: "drop" include { min_level: 2 stage: "rare" }')
    (tmp_path / "net.prototxt").write_text(dropped)
    for arguments, there in (((), False), (("-level", "2", "-stage", "often,rare"), True)):
        run("train", "-solver", solver("max_iter: 1 display: 1 debug_info: true"), *arguments)
        assert any("Layer drop" in line for line in messages(capsys)) is there


@pytest.mark.parametrize(
    ("number", "effect", "ends", "kept"),
    [
        (signal.SIGINT, "stop", True, 1),
        (signal.SIGINT, "snapshot", False, 1),
        (signal.SIGHUP, "none", False, 0),
    ],
)
def test_signals_have_their_effect(tmp_path, solver, number, effect, ends, kept):
    file = solver("max_iter: 100000000 display: 20")
    option = f"-{signal.Signals(number).name.lower()}_effect={effect}"
    command = [sys.executable, "-c", "from dgnam.cli import main; main()", "caffe", "train", "-solver", file, option]
    env = {name: value for name, value in os.environ.items() if name != "GLOG_minloglevel"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            shown = (line for line in process.stderr if "Iteration" in line)
            next(shown)
            process.send_signal(number)
            if ends:
                assert "Optimization stopped early." in process.stderr.read()
                assert process.wait() == 0
            else:
                for _ in range(4):
                    next(shown)
                assert process.poll() is None
        finally:
            process.kill()
    assert len(list(tmp_path.glob("solver_iter_*.solverstate"))) == kept


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "pass a solver's prototxt with --solver"),
        (("-solver", "absent.prototxt"), "absent.prototxt: no such file"),
        (("-solver", "x", "-snapshot", "a", "-weights", "b"), "not both"),
        (("-solver", "SOLVER", "-gpu", "x"), "--gpu 'x': use numbers separated by commas, or 'all'"),
        (("-solver", "SOLVER", "-gpu", "0,1"), "training on more than one GPU is not available"),
        (("-solver", "SOLVER", "-sigint_effect", "stp"), "--sigint_effect 'stp': use one of stop"),
        (("-solver", "SOLVER", "-snapshot", "absent"), "absent: no such file"),
    ],
)
def test_what_cannot_be_done_is_an_error(solver, arguments, message):
    file = solver("max_iter: 1 snapshot_after_train: false")
    with pytest.raises(DgnamError, match=message):
        run("train", *(file if a == "SOLVER" else a for a in arguments))


def test_a_solver_that_asks_for_a_gpu_says_so_where_there_is_none(solver, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    file = solver("max_iter: 1 solver_mode: GPU")
    with pytest.raises(CaffeError, match="requests a GPU; set 'solver_mode: CPU' in it to use the CPU"):
        run("train", "-solver", file)


def test_the_command_line_shows_errors_in_one_line(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["dgnam", "caffe", "train", "-solver", "absent.prototxt"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == BAD_INPUT
    assert capsys.readouterr().err == "dgnam: absent.prototxt: no such file\n"
