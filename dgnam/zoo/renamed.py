"""Weights whose file names the layers otherwise than our definitions do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..caffe.modules.caffe_module import CaffeModule
from ..caffe.proto import read_net, read_weights, write_caffemodel
from ..errors import DgnamError, closest


def write_renamed(target: Path, source: Path, names: Mapping[str, str], prototxt: Path) -> None:
    """Write the weights in `source` as a caffemodel with the layers of a prototxt, whole.

    names: our layers' names by the file's.  A layer without a bias gets zeros where ours has one: published generators
        were trained with biases of zero, which some files leave out.
    """
    weights = read_weights(source)
    if set(weights) <= set(names.values()):  # it has our names after all
        found = dict(weights)
    else:
        unknown = [name for name in weights if name not in names]
        if unknown:
            raise DgnamError(f"{source} has weights for layer '{unknown[0]}'; known are {closest(unknown[0], names)}")
        found = {names[name]: blobs for name, blobs in weights.items()}
    definition = read_net(prototxt)
    for layer, params in CaffeModule(definition).layer_params():
        given = found.get(layer, [])
        if len(given) == 1 and len(params) == 2:
            found[layer] = [*given, np.zeros(tuple(params[1].shape), np.float32)]
    with_all = CaffeModule(definition, found)
    missing = [layer for layer, _ in with_all.layer_params() if layer not in found]
    if missing:
        raise DgnamError(f"{source} has no weights for layers {', '.join(missing)}")
    write_caffemodel(target, definition, with_all.weights())
