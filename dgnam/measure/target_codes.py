"""The codes of pictures by any target, in place of the `PictureCodes` of a Caffe net.

Of a Caffe net, alone or among several, a code is the layer's value as a whole forward pass leaves it, so after an
in-place ReLU; of a torch module, what the layer's module gives, in its order of axes; of any other target, what that
gives.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..am import CaffeTarget, JointTarget, Target, TorchTarget
from ..am.framing import choose_framing
from ..caffe.mode import exact
from ..errors import DgnamError
from .codes import PictureCodes


class TargetCodes:
    """From preprocessed pictures, BGR minus 104, 117, 123, to a layer's values.

    shape: the shape of one code.
    channels: the number of channels of the input.
    """

    channels = 3

    def __init__(self, target: Target, layer: str, device: str = "cpu"):
        self.layer, self.device = layer, torch.device(device)
        target.layer_shape(layer)  # a layer without a row for each picture is an error
        target.to(self.device)
        self._read, self.shape = _reader(target, layer)

    def __call__(self, batch: np.ndarray, names: list[str]) -> np.ndarray:
        """(N, 3, H, W) float32 → (N, n) float32; an error names the first picture whose code isn't finite."""
        with torch.inference_mode(), exact(self.device):
            found = self._read(torch.from_numpy(batch).to(self.device))
        if len(found) != len(batch):
            raise DgnamError(f"layer '{self.layer}' gives {len(found)} codes for {len(batch)} pictures")
        rows: np.ndarray = found.reshape(len(batch), -1).float().cpu().numpy()
        broken = np.flatnonzero(~np.isfinite(rows).all(1))
        if broken.size:
            raise DgnamError(f"{names[broken[0]]}: its code at layer '{self.layer}' is not finite")
        return rows


def _reader(target: Target, layer: str) -> tuple[Callable[[Tensor], Tensor], tuple[int, ...]]:
    """From images (N, 3, *size), BGR, mean-subtracted, to the layer's values; and the shape of one image's."""
    if isinstance(target, JointTarget):
        name, own = target.split(layer)
        one = target.targets[name]
        framing, (inner, shape) = choose_framing(target.size, one.size), _reader(one, own)
        return lambda images: inner(framing(images)), shape
    if isinstance(target, CaffeTarget):
        codes = PictureCodes(target.running, layer)
        return lambda images: codes.read(target.preprocess(images)), tuple(codes.shape)
    if isinstance(target, TorchTarget):
        return lambda images: target.outputs(images, [layer])[layer], target.own_shape(layer)
    return lambda images: target(images, [layer])[layer], tuple(target.layer_shape(layer))
