"""The modes of every layer type against real Caffe's numbers, and the nets that it refuses."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from dgnam.caffe.layer import layer_type_list
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net
from dgnam.errors import CaffeError
from tests.caffe.golden import GOLDEN, eager_errors
from tests.caffe.layer_modes import CASES, REFUSED

FORWARD, GRADIENT = 1e-5, 1e-4

RANDOM = np.random.RandomState(0)

ELSEWHERE = {"Data", "DummyData", "HDF5Data", "HDF5Output", "ImageData", "Input", "MemoryData", "Python", "WindowData"}
"""The layers that bring data in or out, or that a user writes."""


@pytest.fixture(scope="module")
def recorded():
    with h5py.File(GOLDEN / "layer_modes.h5") as file:
        yield file


@pytest.mark.parametrize("name", CASES)
def test_case(name, recorded):
    group = recorded[name]
    assert group.attrs["prototxt"] == CASES[name].prototxt
    errors = eager_errors(group)
    assert {blob: e for blob, e in errors.forward.items() if not e <= FORWARD} == {}
    assert {blob: e for blob, e in errors.gradient.items() if not e <= GRADIENT} == {}


def test_every_type_has_a_case(recorded):
    assert set(recorded) == set(CASES)
    assert {case.type for case in CASES.values()} | ELSEWHERE | {"Filter"} >= set(layer_type_list())


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    """When the net is built, or run forward, or run backward."""
    message, case = REFUSED[name]
    with pytest.raises(CaffeError, match=message):
        run(case)


def run(case):
    net = Net(parse_net(case.prototxt), case.phase)
    for blob, source in case.inputs.items():
        net.blobs[blob].data[...] = source.array(RANDOM)
    net.forward()
    net.backward()
