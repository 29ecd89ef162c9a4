"""The values of several layers for the same pictures, from one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ..am import CaffeTarget, JointTarget, Target, TorchTarget
from ..am.borrow import borrowed
from ..am.framing import choose_framing
from ..caffe.mode import exact
from ..errors import DgnamError
from .codes import PictureCodes

Read = Callable[[Tensor], Mapping[str, Tensor]]


class LayerCodes:
    """From preprocessed pictures, BGR minus 104, 117, 123, to the values of layers.

    Of a Caffe net, alone or among several, they are as a whole forward pass leaves them, so after an in-place ReLU; of
    a torch module, what the layer's module gives, in its order of axes; of any other target, what that gives.

    shapes: of one picture's values, by layer.
    """

    def __init__(self, target: Target, layers: Sequence[str], device: str = "cpu"):
        self.layers, self.device = tuple(layers), torch.device(device)
        for layer in self.layers:
            target.layer_shape(layer)  # a layer without a row for each picture is an error
        target.to(self.device)
        self._read, self.shapes = _reader(target, self.layers)

    def __call__(self, batch: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
        """(N, 3, H, W) float32 → (N, n) float32 of each layer; an error names the first picture with another number."""
        with torch.inference_mode(), exact():
            found = self._read(torch.from_numpy(batch).to(self.device))
        rows = {layer: _rows(layer, found[layer], len(batch)) for layer in self.layers}
        for layer, values in rows.items():
            broken = np.flatnonzero(~np.isfinite(values).all(1))
            if broken.size:
                raise DgnamError(f"{names[broken[0]]}: its code at layer '{layer}' is not finite")
        return rows


def _rows(layer: str, values: Tensor, count: int) -> np.ndarray:
    if len(values) != count:
        raise DgnamError(f"layer '{layer}' gives {len(values)} codes for {count} pictures")
    return values.reshape(count, -1).float().cpu().numpy()


def _reader(target: Target, layers: Sequence[str]) -> tuple[Read, dict[str, tuple[int, ...]]]:
    """From images (N, 3, *size), BGR, mean-subtracted, to the layers' values; and the shapes of one image's."""
    if not layers:
        return (lambda images: {}), {}
    if isinstance(target, JointTarget):
        return _of_joint(target, layers)
    if isinstance(target, CaffeTarget):
        return _of_caffe(target, layers)
    if isinstance(target, TorchTarget):
        return (lambda images: target.outputs(images, layers)), {layer: target.own_shape(layer) for layer in layers}
    return (lambda images: target(images, layers)), {layer: tuple(target.layer_shape(layer)) for layer in layers}


def _of_caffe(target: CaffeTarget, layers: Sequence[str]) -> tuple[Read, dict[str, tuple[int, ...]]]:
    net = target.running
    codes = {layer: PictureCodes(net, layer) for layer in layers}
    last = max((one.end for one in codes.values()), key=net.plan.layer_index)
    blobs = [one.blob for one in codes.values()]

    def read(images: Tensor) -> dict[str, Tensor]:
        with borrowed(net):
            found = net(target.preprocess(images), end=last, keep=blobs)
        return {layer: found[one.blob] for layer, one in codes.items()}

    return read, {layer: tuple(one.shape) for layer, one in codes.items()}


def _of_joint(target: JointTarget, layers: Sequence[str]) -> tuple[Read, dict[str, tuple[int, ...]]]:
    own: dict[str, list[str]] = {}
    for layer in layers:
        name, inner = target.split(layer)
        own.setdefault(name, []).append(inner)
    readers = {name: _reader(target.targets[name], inner) for name, inner in own.items()}
    framings = {name: choose_framing(target.size, target.targets[name].size) for name in own}

    def read(images: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for name, (reader, _) in readers.items():
            found.update({f"{name}.{layer}": value for layer, value in reader(framings[name](images)).items()})
        return found

    return read, {f"{name}.{layer}": shape for name, (_, known) in readers.items() for layer, shape in known.items()}
