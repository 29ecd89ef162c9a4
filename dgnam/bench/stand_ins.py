"""Stand-ins: the published nets with random weights, which take the time of the trained ones and show nothing."""

from __future__ import annotations

import zlib

import torch
from torch import Tensor

from .. import zoo
from ..caffe.modules.caffe_module import CaffeModule
from ..caffe.proto import read_net

SCORES = {"caffenet": "fc8", "googlenet": "loss3/classifier", "resnet50": "fc1000"}
"""The published classifiers, and the layers of their class scores."""

GENERATOR = "deepsim-fc6"


def stand_in(name: str) -> CaffeModule:
    """A published net, by its name in the registry, with weights drawn for its own size (He et al. 2015)."""
    module = CaffeModule(read_net(zoo.get(name).prototxt))
    random = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    types = {wired.name: wired.layer.type for wired in module.plan.layers}
    with torch.no_grad():
        for layer, params in module.layer_params():
            for index, param in enumerate(params):
                _draw(param, types[layer], index, random)
    return module


def _draw(param: Tensor, layer_type: str, index: int, random: torch.Generator) -> None:
    """Values that keep the magnitude of what passes: means and biases 0, variances and scales 1."""
    if layer_type in ("BatchNorm", "Scale"):
        param.fill_(float(index > 0) if layer_type == "BatchNorm" else float(index == 0))
    elif index > 0:
        param.zero_()
    else:
        inputs = param[:, 0].numel() / 4 if layer_type == "Deconvolution" else param[0].numel()
        param.normal_(0, (2 / inputs) ** 0.5, generator=random)
