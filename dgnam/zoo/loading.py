"""Load a model of the registry, or a net from its files, as a torch module with its weights."""

from __future__ import annotations

import torch

from ..caffe.modules.caffe_module import CaffeModule, check_whole
from ..caffe.proto import read_net, read_weights
from ..errors import DgnamError, naming
from ..files.paths import StrPath
from .registry import get


def load(name: str) -> CaffeModule:
    """The model of this name with its weights, in eval mode; missing weights are downloaded."""
    entry = get(name)
    return load_net(entry.prototxt, entry.weights_path(), f"model '{name}'")


def load_net(prototxt: StrPath, weights_path: StrPath, what: str) -> CaffeModule:
    """A net with its weights, in eval mode; an error if the weights lack a layer of the net, called `what`."""
    weights = read_weights(weights_path)
    with naming(f"{prototxt} with {weights_path}"), torch.inference_mode(False):
        module = CaffeModule(read_net(prototxt), weights).eval()
        check_whole(module.plan, weights)
    without = [layer for layer, _ in module.layer_params() if layer not in weights]
    if without:
        raise DgnamError(f"{weights_path} has no weights for layers {', '.join(without)} of {what}")
    return module
