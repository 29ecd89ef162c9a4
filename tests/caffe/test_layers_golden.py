"""Every layer against real Caffe: forward to 1e-5, every gradient to 1e-4, by the eager net and by the torch module."""

from __future__ import annotations

import h5py
import pytest
import torch

from dgnam.caffe.layer import layer_type_list
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net
from tests.caffe.golden import GOLDEN, arrays, eager_errors, error, param_arrays

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


def test_the_cases_that_we_lack_are_those_listed():
    assert set(CASES) - set(KNOWN) == NOT_REGISTERED


@pytest.mark.parametrize("case", KNOWN)
def test_eager_net(case, recorded):
    errors = eager_errors(recorded[case])
    assert bool(errors.gradient) == bool(recorded[case].attrs["has_backward"])
    for name, value in errors.forward.items():
        assert value <= FORWARD, name
    for name, value in errors.gradient.items():
        assert value <= GRADIENT, name


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
