"""A net's outputs as numbers and as lines of the log."""

from __future__ import annotations

import numpy as np

import dgnam.caffe as caffe
from dgnam.caffe.proto import parse_net
from dgnam.caffe.wiring.outputs import output_lines, output_values

NET = """
layer { name: "x" type: "Input" top: "b" top: "a" input_param { shape { dim: 2 dim: 2 } shape { } } }
layer { name: "n" type: "AbsVal" bottom: "a" top: "loss" loss_weight: 0.25 }
"""


def test_outputs_come_by_name_each_element_a_line():
    net = caffe.Net(parse_net(NET), caffe.TEST)
    net.blobs["b"].data[...] = [[1, 2], [3, 1e-7]]
    net.blobs["a"].data[...] = -6
    net.forward()
    assert np.array_equal(output_values(net), np.float32([1, 2, 3, 1e-7, 6]))
    assert output_lines(net, output_values(net)) == [
        *("b = 1", "b = 2", "b = 3", "b = 1e-07"),
        "loss = 6 (* 0.25 = 1.5 loss)",
    ]
