"""Stand-ins: the published nets with random weights, which take the time of the trained ones and show nothing.

with standing_in(["caffenet", "deepsim-fc6"], folder):
    zoo.load("caffenet")  # has the shapes of the published net, and random numbers
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ..caffe.modules.caffe_module import CaffeModule
from ..caffe.proto import read_net, write_caffemodel
from ..files.paths import write_bytes
from . import registry
from .download import PublishedFile
from .folders import HOME_VARIABLE

SCORES = {"caffenet": "fc8", "googlenet": "loss3/classifier", "resnet50": "fc1000"}
"""The published classifiers, and the layers of their class scores."""

GENERATOR = "deepsim-fc6"

BOUND = 12
"""Of each number of a code: what the published act_range of CaffeNet's fc6 averages."""

BIAS = 0.1
"""So that an image of zeros has a gradient."""

FIRES = 1000.0
"""Added to all class scores, which is more than what they differ by."""

_WEIGHTS, _BOUNDS = PublishedFile("stand-in.caffemodel"), PublishedFile("stand-in-act-range.txt")


@contextmanager
def standing_in(names: Sequence[str], folder: Path) -> Iterator[None]:
    """Within it, stand-ins are the weights of these published models, and `folder` is the folder of downloads.

    Files that are there already are used again.  Where bounds of a generator's codes are published, it has some.
    """
    before = os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = str(folder)
    try:
        with registry.replaced([_write(registry.get(name)) for name in dict.fromkeys(names)]):
            yield
    finally:
        if before is None:
            del os.environ[HOME_VARIABLE]
        else:
            os.environ[HOME_VARIABLE] = before


def stand_in(name: str) -> CaffeModule:
    """A published net, by its name in the registry, with weights drawn for its own size (He et al. 2015).

    Of a classifier all classes fire, as they do in a trained one for their own pictures.
    """
    entry = registry.get(name)
    module = CaffeModule(read_net(entry.prototxt))
    random = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    types = {wired.name: wired.layer.type for wired in module.plan.layers}
    with torch.no_grad():
        for layer, params in module.layer_params():
            for index, param in enumerate(params):
                _draw(param, types[layer], index, random)
                if layer == entry.scores and param.dim() == 1:
                    param.fill_(FIRES)
    return module


def _write(entry: registry.ModelEntry) -> registry.ModelEntry:
    """The model with stand-ins for its files, which are written where they are not there."""
    generator = entry.generator
    published = generator is not None and generator.act_range_file is not None and generator.act_range_file.urls
    if generator is not None:
        generator = replace(generator, act_range_file=_BOUNDS if published else None)
    found = replace(entry, weights=_WEIGHTS, other_weights=(), known_pass=None, generator=generator)
    if not found.place(_WEIGHTS).is_file():
        found.place(_WEIGHTS).parent.mkdir(parents=True, exist_ok=True)
        write_caffemodel(found.place(_WEIGHTS), read_net(entry.prototxt), stand_in(entry.name).weights())
    if generator is not None and published and not found.place(_BOUNDS).is_file():
        numbers = torch.Size(generator.code_shape).numel()
        write_bytes(found.place(_BOUNDS), " ".join([str(BOUND)] * numbers).encode())
    return found


def _draw(param: Tensor, layer_type: str, index: int, random: torch.Generator) -> None:
    """Values that keep the magnitude of what passes: means 0, variances and scales 1, small biases."""
    if layer_type in ("BatchNorm", "Scale"):
        param.fill_(float(index > 0) if layer_type == "BatchNorm" else float(index == 0))
    elif param.dim() == 1:
        param.fill_(BIAS)
    else:
        inputs = param[:, 0].numel() / 4 if layer_type == "Deconvolution" else param[0].numel()
        param.normal_(0, (2 / inputs) ** 0.5, generator=random)
