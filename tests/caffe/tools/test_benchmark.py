"""`dgnam caffe time`."""

from __future__ import annotations

import re
import sys

import pytest

from dgnam.errors import CaffeError
from tests.caffe.solvers import NET
from tests.caffe.tools.commands import messages, run


def test_every_layer_is_timed_in_caffes_words(tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(NET)
    run("time", f"-model={tmp_path}/net.prototxt", "-iterations", "2")
    lines = messages(capsys)
    shapes = [re.sub(r"\d[\d.e-]* ms\.$", "N ms.", line) for line in lines]
    at = shapes.index("Average time per layer: ")
    names = ["x", "t", "conv", "relu", "drop", "ip", "loss"]
    assert shapes[at + 1 : at + 15] == [f"{n:>10}\t{way}: N ms." for n in names for way in ("forward", "backward")]
    assert shapes[at - 5 : at] == [
        "Performing Backward",
        "*** Benchmark begins ***",
        "Testing for 2 iterations.",
        "Iteration: 1 forward-backward time: N ms.",
        "Iteration: 2 forward-backward time: N ms.",
    ]
    assert shapes[-5:] == [
        *(f"Average {what}: N ms." for what in ("Forward pass", "Backward pass", "Forward-Backward")),
        *("Total Time: N ms.", "*** Benchmark ends ***"),
    ]
    times = [float(line.split()[-2]) for line in lines[at + 1 :] if line.endswith("ms.")]
    assert sum(times[:14]) <= times[14] + times[15] + 0.01
    assert times[4] > 0
    assert times[16] * 2 == pytest.approx(times[17], rel=1e-4)


def test_the_phase_is_train_unless_it_is_given(tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(NET)
    for arguments, there in ((), False), (("-phase", "TEST"), True):
        run("time", "-model", f"{tmp_path}/net.prototxt", "-iterations", "1", *arguments)
        assert any("accuracy\tforward" in line for line in messages(capsys)) is there
    with pytest.raises(CaffeError, match="--phase 'test': use TRAIN or TEST"):
        run("time", "-model", f"{tmp_path}/net.prototxt", "-phase", "test")


def test_modules_of_python_layers_import_caffe(tmp_path, monkeypatch, capsys):
    """As those of Caffe's examples do; afterwards the name is free again."""
    (tmp_path / "layers_of_mine.py").write_text(
        "import caffe\n\n\nclass Twice(caffe.Layer):\n    def setup(self, bottom, top): pass\n"
        "    def reshape(self, bottom, top): top[0].reshape(*bottom[0].shape)\n"
        "    def forward(self, bottom, top): top[0].data[...] = 2 * bottom[0].data\n"
        "    def backward(self, top, propagate_down, bottom): pass\n"
    )
    (tmp_path / "net.prototxt").write_text(
        """layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }
        layer { name: "twice" type: "Python" bottom: "x" top: "y"
          python_param { module: "layers_of_mine" layer: "Twice" } }"""
    )
    monkeypatch.setenv("DGNAM_ALLOW_PYTHON_LAYERS", "1")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "caffe", raising=False)
    run("time", f"--model={tmp_path}/net.prototxt", "--iterations=1")
    assert "*** Benchmark ends ***" in messages(capsys)
    assert "caffe" not in sys.modules
