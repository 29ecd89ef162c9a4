"""Which nets a solver's definition asks for, and in which states."""

from __future__ import annotations

import logging

import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe.proto import parse_solver
from dgnam.caffe.solving.nets import test_nets as nets_to_test
from dgnam.caffe.solving.nets import train_net
from dgnam.errors import CaffeFormatError, DgnamError
from tests.caffe.solvers import NET, equal, values

RULES = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }
layer { name: "train" type: "AbsVal" bottom: "x" top: "a" include { phase: TRAIN } }
layer { name: "test" type: "AbsVal" bottom: "x" top: "b" include { phase: TEST } }
layer { name: "deep" type: "AbsVal" bottom: "x" top: "c" include { min_level: 2 } }
layer { name: "own" type: "AbsVal" bottom: "x" top: "d" include { stage: "own" } }
layer { name: "given" type: "AbsVal" bottom: "x" top: "e" include { stage: "given" } }
"""
INLINE = "net_param { %s %s }"


def named(net: caffe.Net) -> set[str]:
    """The layers of the rules' net that are there."""
    return {name for name in net._layer_names if "split" not in name} - {"x"}


@pytest.mark.parametrize(
    ("state", "text", "layers"),
    [
        ("", "", {"train"}),
        ('state { stage: "own" level: 3 }', "", {"train", "own", "deep"}),
        ('state { stage: "own" }', 'train_state { stage: "given" level: 2 }', {"train", "own", "given", "deep"}),
        ("state { level: 3 }", "train_state { level: 1 }", {"train"}),
        ("state { phase: TEST }", "", {"test"}),
        ("state { phase: TEST }", "train_state { phase: TRAIN }", {"train"}),
    ],
)
def test_the_state_of_the_train_net(state, text, layers):
    param = parse_solver(INLINE % (RULES, state) + text, "test")
    assert named(train_net(param, "test")) == layers


def test_test_nets_come_in_caffes_order(tmp_path, caplog):
    caplog.set_level(logging.INFO, "dgnam.caffe")
    file = tmp_path / "test.prototxt"
    file.write_text('name: "file"' + RULES)
    text = f"""
    {INLINE % (RULES, 'name: "general"')}
    test_net: "{file}"
    test_net_param {{ name: "own" {RULES} }}
    test_iter: 1 test_iter: 1 test_iter: 1 test_iter: 1 test_interval: 5
    test_state {{ }} test_state {{ stage: "own" }} test_state {{ stage: "given" }} test_state {{ level: 2 }}
    """
    nets = nets_to_test(parse_solver(text, "test"), "test")
    assert [net.name for net in nets] == ["own", "file", "general", "general"]
    assert [named(net) for net in nets] == [{"test"}, {"test", "own"}, {"test", "given"}, {"test", "deep"}]
    assert [m.split("specified by ")[1] for m in caplog.messages] == [
        *("test_net_param", f"test_net file: {file}", "net_param", "net_param")
    ]


def test_nets_are_read_from_files(tmp_path):
    (tmp_path / "train.prototxt").write_text('name: "a"' + RULES)
    (tmp_path / "test.prototxt").write_text('name: "b"' + RULES)
    text = f'train_net: "{tmp_path}/train.prototxt" test_net: "{tmp_path}/test.prototxt" test_iter: 0 test_interval: 9'
    param = parse_solver(text, "test")
    assert train_net(param, "test").name == "a"
    assert [net.name for net in nets_to_test(param, "test")] == ["b"]
    assert nets_to_test(parse_solver(f'net: "{tmp_path}/train.prototxt"', "test"), "test") == []


def test_weights_go_into_all_nets(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    source = caffe.Net(tmp_path / "net.prototxt", caffe.TEST)
    for name in ("conv", "ip"):
        only = caffe.Net(tmp_path / "net.prototxt", caffe.TEST)
        only.share_with(source)
        half = {name: [blob.data for blob in only.params[name]]}
        caffe.proto.write_hdf5_weights(tmp_path / f"{name}.h5", half)
    text = f'net: "{tmp_path}/net.prototxt" test_iter: 1 test_interval: 1 '
    for weights in (
        f'weights: "{tmp_path}/conv.h5, {tmp_path}/ip.h5"',
        f'weights: "{tmp_path}/conv.h5" weights: "{tmp_path}/ip.h5"',
    ):
        param = parse_solver(text + weights, "test")
        for net in (train_net(param, "test"), *nets_to_test(param, "test")):
            assert equal(values(net), values(source))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            "in one of the fields net, net_param, train_net, train_net_param; it has none",
        ),
        ('net: "a" train_net: "b"', "it has net, train_net"),
        ("net_param { } train_net_param { }", "it has net_param, train_net_param"),
        ('train_net: "a" test_net: "b"', "test_iter must be given once for each test net; got 0 test_iter and 1"),
        ('train_net: "a" test_iter: 1 test_interval: 1', "got 1 test_iter and 0 nets"),
        ('net: "a" test_net: "b" test_net: "c" test_iter: 1', "got 1 test_iter and 2 nets"),
        ('net: "a" test_iter: 1', "requires a positive test_interval"),
        (
            'net: "a" test_iter: 1 test_interval: 1 test_state { } test_state { }',
            "test_state must be given once for each of the 1 test nets or not at all; got 2",
        ),
    ],
)
def test_nets_that_contradict_themselves_are_an_error_that_names_the_field(text, message):
    param = parse_solver(text, "s.prototxt")
    check = nets_to_test if "test_" in message else train_net
    with pytest.raises(CaffeFormatError, match=f"s.prototxt: .*{message}"):
        check(param, "s.prototxt")


def test_a_missing_file_is_an_error_that_names_it():
    with pytest.raises(DgnamError, match=r"absent.prototxt: no such file"):
        train_net(parse_solver('net: "absent.prototxt"', "test"), "test")


def test_a_states_own_message_stays_as_it_was():
    param = parse_solver(INLINE % (RULES, 'state { stage: "own" }') + 'train_state { stage: "given" }', "test")
    before = param.SerializeToString()
    train_net(param, "test")
    assert param.SerializeToString() == before
    assert np.size(param.net_param.state.stage) == 1
