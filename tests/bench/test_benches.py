"""The benches, which only `make bench` runs."""

import os
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import dgnam.caffe
from tests.bench import bench_net, bench_scripts, bench_train

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", sorted(path.stem for path in HERE.glob("bench_*.py")))
def test_it_is_a_module_that_make_can_run(name):
    assert callable(import_module(f"tests.bench.{name}").main)
    assert "-m tests.bench.$$(basename $$script .py)" in (HERE.parents[1] / "Makefile").read_text()


def test_a_process_that_begins_anew_is_the_same_module(monkeypatch):
    """Run as a file it would find no other module of the tests."""
    begun = []
    monkeypatch.setattr(os, "execve", lambda *given: begun.append(given))
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "tests.bench.bench_net", "--repeats", "3"])
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    bench_net.waiting_without_spinning()
    ((program, command, environment),) = begun
    assert command == [program, "-m", "tests.bench.bench_net", "--repeats", "3"]
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"


def test_caffes_training_step_is_the_solvers(tmp_path, monkeypatch):
    """Played by another module with pycaffe's interface."""
    played = ModuleType("caffe")
    played.__dict__.update({name: getattr(dgnam.caffe, name) for name in ("Net", "SGDSolver", "set_mode_cpu")})
    monkeypatch.setitem(sys.modules, "caffe", played)
    assert bench_train.bvlc() is played
    made = []

    def solver(path):
        made.append(dgnam.caffe.SGDSolver(path))
        return made[-1]

    monkeypatch.setattr(played, "SGDSolver", solver)
    torch.manual_seed(0)
    images, labels = torch.randn(4, 3, 32, 32), torch.arange(4)
    module = bench_train.Quick()
    bench_train.solver_step("quick", module, images, labels, str(tmp_path), 0.001, 0.004, played)()
    bench_train.torch_step(module, images, labels, 0.001, 0.004)()
    learned = [blob.data for blobs in made[0].net.params.values() for blob in blobs]
    for ours, theirs in zip(learned, module.parameters(), strict=True):
        assert np.allclose(ours, theirs.detach().numpy(), atol=1e-5)


def test_without_caffe_the_training_bench_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "caffe", None)
    assert bench_train.bvlc() is None
    shown = bench_train.line([0.1, 0.2])
    assert "ratio to the step by hand 0.500" in shown
    assert "BVLC's Caffe is not here (bar of the ratio to it: 0.9)" in shown
    assert "to Caffe 1.000 (bar 0.9: not met)" in bench_train.line([0.2, 0.2, 0.2])
    assert "to Caffe 0.900 (bar 0.9: met)" in bench_train.line([0.9, 1, 1])


def test_the_ratio_to_the_recorded_times_of_caffe_is_printed():
    shown = bench_scripts.lines(
        {"forward passes": 0.05, "backward passes": 0.0999, "whole step": 0.218}, bench_scripts.RECORDED, "recorded"
    )
    assert shown == [
        "forward passes: 0.050 s",
        "backward passes: 0.100 s, recorded 0.111 s, ratio 0.90 (bar 0.9: met)",
        "whole step: 0.218 s, recorded 0.218 s, ratio 1.00 (bar 0.9: not met)",
    ]


def test_a_scripts_step_is_timed_by_its_passes(tmp_path, monkeypatch):
    monkeypatch.setattr(bench_scripts, "TARGET", "caffenet-mini")
    monkeypatch.setattr(bench_scripts, "GENERATOR", "deepsim-fc6-v2-mini")
    target, generator = bench_scripts.open_nets(dgnam.caffe, tmp_path)
    assert target.param_gradients
    found = bench_scripts.step_seconds(target, generator)
    assert list(found) == ["forward passes", "backward passes", "whole step"]
    assert 0 < found["forward passes"] + found["backward passes"] < found["whole step"]
    assert np.abs(target.params["fc8"][0].diff).max() > 0
