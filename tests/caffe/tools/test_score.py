"""`dgnam caffe test`."""

from __future__ import annotations

import pytest

import dgnam.caffe as caffe
from dgnam.errors import DgnamError
from tests.caffe.tools.commands import messages, run

NET = """
name: "n"
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 4 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "t" top: "loss" loss_weight: 2 }
layer { name: "top" type: "Accuracy" bottom: "ip" bottom: "t" top: "top" include { phase: TEST } }
layer { name: "two" type: "AbsVal" bottom: "t" top: "two" include { stage: "more" } }
"""


@pytest.fixture
def files(tmp_path):
    model, weights = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    model.write_text(NET)
    net = caffe.Net(model, caffe.TEST)
    net.params["ip"][1].data[...] = 1, 0, 0, 0
    net.save(weights)
    return str(model), str(weights)


def test_a_model_is_scored_in_caffes_words(files, capsys):
    model, weights = files
    run("test", "-model", model, "--weights", weights, "-iterations=2", "-stage", "more")
    # The log of softmax (1, 0, 0, 0) at 0 is 1 - log(e + 3).
    assert messages(capsys)[:13] == [
        "Use CPU.",
        "Running for 2 iterations.",
        "Batch 0, loss = 0.743668",
        "Batch 0, top = 1",
        "Batch 0, two = 0",
        "Batch 0, two = 0",
        "Batch 1, loss = 0.743668",
        "Batch 1, top = 1",
        "Batch 1, two = 0",
        "Batch 1, two = 0",
        "Loss: 1.48734",
        "loss = 0.743668 (* 2 = 1.48734 loss)",
        "top = 1",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "pass the prototxt of the net with --model"),
        (("-model", "x"), "pass the weights with --weights"),
        (("-model", "x", "-weights", "y"), "x: no such file"),
    ],
)
def test_what_is_missing_is_an_error(arguments, message):
    with pytest.raises(DgnamError, match=message):
        run("test", *arguments)
