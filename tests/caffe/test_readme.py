"""dgnam/caffe/README.md: its Python examples run, its commands and files exist."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import dgnam.caffe as caffe
from dgnam.caffe.tools import app

PAGE = Path(caffe.__file__).with_name("README.md")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

LAYERS = """
layer { name: "conv5" type: "Convolution" bottom: "data" top: "conv5"
        convolution_param { num_output: 2 kernel_size: 1 stride: 32 weight_filler { type: "xavier" } } }
layer { name: "fc8" type: "InnerProduct" bottom: "conv5" top: "fc8"
        inner_product_param { num_output: 1000 weight_filler { type: "xavier" } } }
"""
INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 227 dim: 227 } } }'
TRAINED = """
layer { name: "d" type: "DummyData" top: "data" top: "label"
        dummy_data_param { shape { dim: 1 dim: 3 dim: 64 dim: 64 } shape { dim: 1 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc8" bottom: "label" top: "loss" }
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, last = TRAINED.split('\nlayer { name: "loss"')
    Path("deploy.prototxt").write_text("force_backward: true\n" + INPUT + LAYERS)
    Path("train.prototxt").write_text(f'{first}{LAYERS}layer {{ name: "loss"{last}')
    Path("solver.prototxt").write_text('net: "train.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 100')
    caffe.Net("deploy.prototxt", caffe.TEST).save("net.caffemodel")


def test_python_examples_run(folder):
    names = {"image": np.ones((1, 3, 227, 227), np.float32), "images": torch.ones(2, 3, 227, 227), "caffe": caffe}
    for example in EXAMPLES:
        text = "\n".join(line for line in example.splitlines() if "to_onnx" not in line)
        exec(compile(text, str(PAGE), "exec"), names)
    assert names["gradient"].shape == (1, 3, 227, 227)
    assert np.abs(names["gradient"]).max() > 0
    assert names["solver"].iter == 100
    assert names["conv5"].shape == (2, 2, 8, 8)


def test_every_command_is_listed():
    shown = set(re.findall(r"dgnam caffe ([a-z-]+)", PAGE.read_text(encoding="utf-8")))
    shown |= set(re.findall(r"`(upgrade-[a-z-]+)", PAGE.read_text(encoding="utf-8")))
    assert shown == {command.name for command in app.registered_commands}


def test_the_folders_are_there():
    for name in re.findall(r"`([a-z_]+)/`", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / name / "__init__.py").is_file(), name
