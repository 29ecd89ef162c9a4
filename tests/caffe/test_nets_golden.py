"""The full-size networks against real Caffe: every blob, and the gradient of the input, to 1e-4.

The weights are stand-ins, functions of the parameters' names.  Where the gradient is off by more, because float noise
decided a ReLU or a maximum, the test shows that it was only that.
"""

from __future__ import annotations

import gc

import h5py
import numpy as np
import pytest

from dgnam.caffe.net import Net
from dgnam.caffe.proto import pb
from dgnam.caffe.syncedmem import HOST
from tests.caffe.golden import GOLDEN, ROOT, error, stand_in_weights
from tests.caffe.near_ties import explained, record_near_ties

TOLERANCE = 1e-4
NORM_TOLERANCE = 2e-4
"""Of a whole gradient, in which a ReLU's or maximum's tie may be turned; sampled values are explained by such."""
MOST_TURNED = 8
"""How many near ties may be decided otherwise than in real Caffe; of GoogLeNet's millions, one or two are."""

NETS = {
    "caffenet": ("caffenet", ["caffenet_fc8", "caffenet_conv5"]),
    "places205-alexnet": ("places", ["places205_fc8"]),
    "googlenet": ("googlenet", ["googlenet_loss3"]),
    "resnet50": ("resnet", ["resnet50_fc1000"]),
    "lrcn-single-frame": ("lrcn", ["lrcn_single_frame_fc8"]),
    "deepsim-fc6": ("fc6", ["generator_fc6"]),
    "deepsim-fc7": ("fc7", ["generator_fc7"]),
    "deepsim-pool5": ("pool5", ["generator_pool5"]),
    "deepsim-conv3": ("conv3", ["generator_conv3"]),
}
WEIGHTS = stand_in_weights()

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recorded():
    with h5py.File(GOLDEN / "nets.h5") as file:
        yield file


@pytest.fixture
def filled_net():
    """Makes nets with the stand-in weights; a large net is let go before the next is made."""
    made: list[Net] = []

    def make(folder: str) -> Net:
        net = Net(ROOT / "prototxt" / folder / "deploy.prototxt", pb.TEST, param_gradients=False)
        for layer in net.layers:
            for i, blob in enumerate(layer.blobs):
                blob.data[...] = WEIGHTS.param_blob(layer.name, layer.type, i, blob.shape)
        made.append(net)
        return net

    yield make
    made.clear()
    gc.collect()


def test_all_recorded_cases_are_tested(recorded):
    assert sorted(recorded) == sorted(case for _, cases in NETS.values() for case in cases)


@pytest.mark.parametrize("folder", NETS)
def test_net(folder, recorded, filled_net):
    input_name, cases = NETS[folder]
    net = filled_net(folder)
    ties = record_near_ties(net)
    name = net.inputs[0]
    net.forward(**{name: stand_in_input(input_name, net.blobs[name].shape)})
    for case in cases:
        check_blobs(net, recorded[case]["blobs"], case)
        check_gradient(net, recorded[case], top_diff(net, recorded[case], input_name), ties, case)


def stand_in_input(name: str, shape: tuple[int, ...]) -> np.ndarray:
    return WEIGHTS.image(name, shape) if len(shape) == 4 and shape[1] == 3 else WEIGHTS.code(name, shape)


def top_diff(net: Net, group: h5py.Group, input_name: str) -> np.ndarray:
    """1 at the unit; a recorded image for generators."""
    shape = net.blobs[group.attrs["top"]].shape
    if "unit" not in group.attrs:
        return WEIGHTS.image("diff" + input_name, shape)
    diff = np.zeros(shape, np.float32)
    place = (group.attrs["xy"],) * 2 if "xy" in group.attrs else ()
    diff[(0, group.attrs["unit"], *place, ...)] = 1
    return diff


def check_blobs(net: Net, blobs: h5py.Group, case: str) -> None:
    for key, stored in blobs.items():
        where = f"{case}: blob {key}"
        data = net.blobs[key.replace("|", "/")].data_on(HOST).numpy()
        assert data.shape == tuple(stored.attrs["shape"]), where
        assert sampled_error(data, stored) <= TOLERANCE, where
        assert abs(norm(data) / stored.attrs["norm"] - 1) <= TOLERANCE, where
        assert abs(data.mean(dtype=np.float64) - stored.attrs["mean"]) <= TOLERANCE * np.abs(data).max(), where


def check_gradient(net: Net, group: h5py.Group, diff: np.ndarray, ties: list, case: str) -> None:
    name, stored = net.inputs[0], group["diffs"][net.inputs[0]]
    start, top = group.attrs.get("start"), net.blobs[group.attrs["top"]]

    def gradient() -> np.ndarray:
        top.diff[...] = diff
        net.backward(start=start)
        return net.blobs[name].diff.ravel()[stored["positions"][()]].astype(np.float64)

    ours, theirs = gradient(), stored["values"][()].astype(np.float64)
    assert abs(norm(net.blobs[name].diff) / stored.attrs["norm"] - 1) <= NORM_TOLERANCE, case
    if error(ours, theirs) > TOLERANCE:
        ours, turned = explained(gradient, theirs, ties)
        assert len(turned) <= MOST_TURNED, f"{case}: {turned}"
    assert error(ours, theirs) <= TOLERANCE, case


def sampled_error(data: np.ndarray, stored: h5py.Group) -> float:
    """The largest error at the recorded positions, relative to the whole blob's largest value."""
    ours = data.ravel()[stored["positions"][()]].astype(np.float64)
    return float(np.abs(ours - stored["values"][()]).max() / np.abs(data).max())


def norm(data: np.ndarray) -> float:
    return float(np.linalg.norm(data.astype(np.float64)))
