"""Every layer against real Caffe: forward to 1e-5, every gradient to 1e-4, by the eager net and by the torch module."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import torch

from dgnam.caffe.layer import layer_type_list
from dgnam.caffe.module import CaffeModule
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb
from tests.caffe.golden import GOLDEN, error

FORWARD, GRADIENT = 1e-5, 1e-4

NOT_REGISTERED: set[str] = set()
"""The recorded cases whose layer types we lack."""

NOT_AUTOGRAD = {
    "batch_reindex": "without a loss and force_backward Caffe's backward pass ran nothing, and the diffs stayed 0",
    "filter": "the same",
    "contrastive": "Caffe divides by a distance that is 1e-4 too large",
    "crop": "the second bottom lends its shape only",
    "embed": "its input gets no gradient",
}
"""The cases whose recorded gradient is not what autograd gives."""

with h5py.File(GOLDEN / "layers.h5") as _file:
    CASES = sorted(_file)
    TYPES = {case: {layer.type for layer in parse_net(_file[case].attrs["prototxt"]).layer} for case in CASES}
    WITH_BACKWARD = [case for case in CASES if _file[case].attrs["has_backward"]]
KNOWN = [case for case in CASES if TYPES[case] <= set(layer_type_list())]


@pytest.fixture(scope="module")
def recorded():
    with h5py.File(GOLDEN / "layers.h5") as file:
        yield file


def arrays(group: h5py.Group, key: str) -> dict[str, np.ndarray]:
    return {name: data[()] for name, data in group.get(key, {}).items()}


def param_arrays(group: h5py.Group, key: str) -> dict[str, list[np.ndarray]]:
    return {layer: [blobs[str(i)][()] for i in range(len(blobs))] for layer, blobs in group.get(key, {}).items()}


def test_the_cases_that_we_lack_are_those_listed():
    assert set(CASES) - set(KNOWN) == NOT_REGISTERED


@pytest.mark.parametrize("case", KNOWN)
def test_eager_net(case, recorded):
    group = recorded[case]
    net = Net(parse_net(group.attrs["prototxt"], case), pb.TEST)
    assert net.outputs == list(group.attrs["outputs"])
    for layer, values in param_arrays(group, "params").items():
        for blob, value in zip(net.params[layer], values, strict=True):
            assert blob.shape == value.shape
            blob.data[...] = value
    for name, value in arrays(group, "inputs").items():
        net.blobs[name].data[...] = value
    net.forward()
    for name, value in arrays(group, "blobs").items():
        assert error(net.blobs[name].data, value) <= FORWARD, name
    if not group.attrs["has_backward"]:
        return
    for name, value in arrays(group, "top_diffs").items():
        net.blobs[name].diff[...] = value
    net.backward()
    for name, value in arrays(group, "bottom_diffs").items():
        assert error(net.blobs[name].diff, value) <= GRADIENT, name
    for layer, values in param_arrays(group, "param_diffs").items():
        for i, (blob, value) in enumerate(zip(net.params[layer], values, strict=True)):
            assert error(blob.diff, value) <= GRADIENT, f"{layer}/{i}"


@pytest.mark.parametrize("case", [case for case in KNOWN if case in WITH_BACKWARD and case not in NOT_AUTOGRAD])
def test_torch_module(case, recorded):
    """The same layers in `CaffeModule`, where autograd differentiates what the eager net has gradients by hand for."""
    group = recorded[case]
    net = CaffeModule(parse_net(group.attrs["prototxt"], case), param_arrays(group, "params"))
    inputs = {name: torch.from_numpy(value).requires_grad_() for name, value in arrays(group, "inputs").items()}
    blobs = net(**inputs, keep=list(arrays(group, "bottom_diffs")))
    for name in group.attrs["outputs"]:
        assert error(blobs[name].detach(), group["blobs"][name][()]) <= FORWARD, name
    diffs = {name: torch.as_tensor(value) for name, value in arrays(group, "top_diffs").items()}
    if not diffs:
        diffs = loss_diffs(net, blobs)
    labels = unreached(net)
    wanted = {name: value for name, value in arrays(group, "bottom_diffs").items() if name not in labels}
    grads = torch.autograd.grad(
        [blobs[name] for name in diffs],
        [inputs[name] if name in inputs else blobs[name] for name in wanted],
        list(diffs.values()),
    )
    for (name, value), grad in zip(wanted.items(), grads, strict=True):
        assert error(grad, value) <= GRADIENT, name


def loss_diffs(net: CaffeModule, blobs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weight of each loss, as the gradient of its top."""
    names = net.plan.blob_names
    return {
        names[top]: torch.full_like(blobs[names[top]], weight)
        for wired in net.plan.layers
        for top, weight in zip(wired.tops, wired.loss_weights, strict=True)
        if weight
    }


def unreached(net: CaffeModule) -> set[str]:
    """The labels and indices, which no gradient is for."""
    found = {w.bottoms[i] for w in net.plan.layers for i in w.layer.no_gradient if i < len(w.bottoms)}
    return {net.plan.blob_names[b] for b in found}
