"""The lines that `debug_info` adds, worked by hand."""

from __future__ import annotations

import logging

from tests.caffe.solvers import made

NET = """
layer { name: "x" type: "Input" top: "x" top: "t" input_param { shape { dim: 1 dim: 2 } shape { dim: 1 dim: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" param { name: "w" } param { lr_mult: 0 }
  inner_product_param { num_output: 1 weight_filler { type: "constant" value: -0.5 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""


def test_each_pass_is_shown_where_the_iteration_is_displayed(caplog):
    caplog.set_level(logging.INFO, "dgnam.caffe")
    solver = made('base_lr: 1 lr_policy: "fixed" display: 2 debug_info: true', NET)
    solver.net.blobs["x"].data[...] = 1, 3
    solver.step(1)
    lines = [m.strip() for m in caplog.messages if m.startswith("    [")]
    assert lines == [
        "[Forward] Layer x, top blob x data: 2",
        "[Forward] Layer x, top blob t data: 0",
        "[Forward] Layer ip, top blob y data: 2",
        "[Forward] Layer ip, param blob w data: 0.5",
        "[Forward] Layer ip, param blob 1 data: 0",
        "[Forward] Layer loss, top blob loss data: 2",
        "[Backward] Layer loss, bottom blob y diff: 2",
        "[Backward] Layer ip, param blob 0 diff: 4",
        "[Backward] All net params (data, diff): L1 norm = (1, 8); L2 norm = (0.707107, 6.32456)",
    ]
    caplog.clear()
    solver.step(1)
    assert caplog.messages == []


def test_test_nets_are_shown_always(caplog):
    caplog.set_level(logging.INFO, "dgnam.caffe")
    made('base_lr: 1 lr_policy: "fixed" test_iter: 1 test_interval: 1 debug_info: true', NET).step(1)
    assert "    [Forward] Layer loss, top blob loss data: 0" in caplog.messages
    assert not any("[Backward]" in m for m in caplog.messages)
