"""What the golden tests share: where the files lie, and how errors are measured."""

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np

from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"


@dataclass
class Errors:
    """The errors of one recorded case, by the name of a blob, or of a parameter as `layer/index`."""

    forward: dict[str, float] = field(default_factory=dict)
    gradient: dict[str, float] = field(default_factory=dict)


def error(ours: np.ndarray, theirs: np.ndarray) -> float:
    """max|a - b| / max|b|, in float64; the shapes must be equal."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert ours.shape == theirs.shape
    largest = np.abs(theirs).max(initial=0)
    return float(np.abs(ours - theirs).max(initial=0) / (largest if largest > 0 else 1))


def arrays(group: h5py.Group, key: str) -> dict[str, np.ndarray]:
    """The arrays of a case by the blob's name."""
    return {name: data[()] for name, data in group.get(key, {}).items()}


def param_arrays(group: h5py.Group, key: str) -> dict[str, list[np.ndarray]]:
    """The arrays of a case by the layer's name."""
    return {layer: [blobs[str(i)][()] for i in range(len(blobs))] for layer, blobs in group.get(key, {}).items()}


def eager_errors(group: h5py.Group) -> Errors:
    """What the eager net makes of a case of layers.h5 or layer_modes.h5, compared with what real Caffe made of it."""
    net = Net(parse_net(group.attrs["prototxt"], group.name), int(group.attrs.get("phase", pb.TEST)))
    assert net.outputs == list(group.attrs["outputs"])
    for layer, values in param_arrays(group, "params").items():
        for blob, value in zip(net.params[layer], values, strict=True):
            assert blob.shape == value.shape
            blob.data[...] = value
    found = Errors()
    for _ in range(int(group.attrs.get("passes", 1))):
        for name, value in arrays(group, "inputs").items():
            net.blobs[name].reshape(*value.shape)
            net.blobs[name].data[...] = value
        net.forward()
        for name, value in arrays(group, "blobs").items():
            found.forward[name] = error(net.blobs[name].data, value)
        if not group.attrs["has_backward"]:
            return found
        for name, value in arrays(group, "top_diffs").items():
            net.blobs[name].diff[...] = value
        net.backward()
    for layer, values in param_arrays(group, "params_after").items():
        for i, (blob, value) in enumerate(zip(net.params[layer], values, strict=True)):
            found.forward[f"{layer}/{i}"] = error(blob.data, value)
    for name, value in arrays(group, "bottom_diffs").items():
        found.gradient[name] = error(net.blobs[name].diff, value)
    for layer, values in param_arrays(group, "param_diffs").items():
        for i, (blob, value) in enumerate(zip(net.params[layer], values, strict=True)):
            found.gradient[f"{layer}/{i}"] = error(blob.diff, value)
    return found


def stand_in_weights() -> ModuleType:
    """The module `weights.py` that the full-size nets were filled by."""
    spec = importlib.util.spec_from_file_location("golden_weights", GOLDEN / "weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
