"""The hint on force_backward: given where a gradient is read that nothing computes, and nowhere else."""

from __future__ import annotations

import copy
import logging
import pickle

import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe.proto import parse_net
from tests.caffe.solvers import fed

DEPLOY = """name: "deploy"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "fc7" type: "InnerProduct" bottom: "data" top: "fc7" inner_product_param { num_output: 4
  weight_filler { type: "xavier" } } }
layer { name: "relu7" type: "ReLU" bottom: "fc7" top: "fc7" relu_param { negative_slope: 0.1 } }
layer { name: "fc8" type: "InnerProduct" bottom: "fc7" top: "fc8" inner_product_param { num_output: 5
  weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "fc8" top: "prob" }
"""
LOSS = """
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc8" bottom: "label" top: "loss" }
"""


@pytest.fixture
def hints(caplog):
    """The hints so far, as blobs."""
    caplog.set_level(logging.WARNING, "dgnam.caffe")

    def found():
        return [record.args[1] for record in caplog.records if "force_backward: true" in record.getMessage()]

    return found


def passed(text=DEPLOY, start="fc8", phase=caffe.TEST, **options):
    """A net after a pass in each direction, and what the second returned."""
    net = caffe.Net(parse_net(text), phase)
    net.blobs["data"].data[...] = 1
    net.forward()
    net.blobs["fc8"].diff[...] = 1
    return net, net.backward(start=start, **options)


READERS = {
    "the blob": lambda net, found: net.blobs["data"].diff,
    "what is returned": lambda net, found: found["data"],
    "a blob between": lambda net, found: net.blobs["fc7"].diff,
}


@pytest.mark.parametrize("reader", READERS)
def test_reading_what_nothing_computes_gives_the_hint_once(reader, hints, caplog):
    net, found = passed()
    assert hints() == []
    values = READERS[reader](net, found)
    assert not values.any()
    assert hints() == ["fc7" if reader == "a blob between" else "data"]
    assert caplog.messages[0].startswith("net 'deploy': no backward pass computes the diff of blob '")
    net.backward(start="fc8")
    for read in READERS.values():
        read(net, found)
    assert len(hints()) == 1


def test_naming_the_input_in_diffs_gives_it_at_once(hints):
    passed(diffs=["data"])
    assert hints() == ["data"]


def test_gradients_of_all_batches_give_it_too(hints):
    net = caffe.Net(parse_net(DEPLOY), caffe.TEST)
    _, found = net.forward_backward_all(data=np.ones((3, 3)), prob=np.ones((3, 5)))
    assert hints() == []
    assert found["data"].shape == (3, 3)
    assert hints() == ["data"]


def test_with_force_backward_there_is_none(hints):
    net, found = passed(f"force_backward: true {DEPLOY}", diffs=["data"])
    assert found["data"].any()
    assert net.blobs["data"].diff.any()
    assert hints() == []


def test_a_training_gives_none(hints):
    """Whatever is read of what it computes, and what it leaves out is not read."""
    net, found = passed(DEPLOY.replace('"prob" type: "Softmax"', '"p" type: "ReLU"') + LOSS, "loss", caffe.TRAIN)
    assert set(found) == {"data", "label"}
    for name in ("fc7", "fc8", "loss"):
        assert net.blobs[name].diff.shape == net.blobs[name].shape
    assert net.params["fc7"][0].diff.any()
    solver = fed('base_lr: 0.1 lr_policy: "fixed"')
    solver.step(2)
    assert not solver.net.blobs["x"].diff.any()
    assert hints() == []


def test_the_input_of_a_training_net_gives_it(hints):
    net, _ = passed(DEPLOY.replace('"prob" type: "Softmax"', '"p" type: "ReLU"') + LOSS, "loss", caffe.TRAIN)
    assert not net.blobs["label"].diff.any()  # nothing would compute it
    assert hints() == []
    assert not net.blobs["data"].diff.any()
    assert hints() == ["data"]


def test_writing_the_start_gives_none(hints):
    net, _ = passed()
    for _ in range(2):
        net.blobs["fc8"].diff[...] = 0
        net.blobs["fc8"].diff[0, 1] = 1
        net.backward(start="fc8")
    assert hints() == []


def test_values_of_ones_own_give_none(hints):
    net, _ = passed()
    values = net.blobs["data"]._diff.view()
    values[...] = 3
    assert (net.blobs["data"].diff == 3).all()
    assert hints() == []


def test_memory_shared_with_what_is_computed_gives_none(hints):
    """Flatten's two blobs have one diff."""
    flatten = 'layer { name: "flat" type: "Flatten" bottom: "fc7" top: "flat" }'
    text = DEPLOY[: DEPLOY.index('layer { name: "prob"')] + LOSS
    text = text.replace('layer { name: "fc8"', f'{flatten} layer {{ name: "fc8"')
    text = text.replace('type: "InnerProduct" bottom: "fc7"', 'type: "InnerProduct" bottom: "flat"')
    net, _ = passed(text, "loss", caffe.TRAIN)
    assert np.array_equal(net.blobs["fc7"].diff, net.blobs["flat"].diff)
    assert hints() == []


class Zeroing(caffe.Layer):
    """Writes all diffs, whether they are asked for or not."""

    def setup(self, bottom, top):
        self.blobs.add_blob(1)

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        pass

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = 0


def test_layers_that_write_their_bottoms_give_none(hints, monkeypatch):
    monkeypatch.setenv("DGNAM_ALLOW_PYTHON_LAYERS", "1")
    text = f"""layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 1 }} }} }}
    layer {{ name: "p" type: "Python" bottom: "data" top: "y" loss_weight: 1
      python_param {{ module: "{__name__}" layer: "Zeroing" }} }}"""
    net = caffe.Net(parse_net(text), caffe.TRAIN)
    for _ in range(3):
        net.forward()
        net.backward()
    assert hints() == []


def test_what_is_returned_is_a_dict_to_copy(hints):
    net, found = passed()
    copied = copy.deepcopy(found)
    assert type(copied) is dict
    assert type(pickle.loads(pickle.dumps(found))) is dict
    assert list(found) == net.inputs
    assert [values.shape for values in found.values()] == [(2, 3)]
    assert hints() == []
