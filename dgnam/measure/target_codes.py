"""The codes of pictures by any target, in place of the `PictureCodes` of a Caffe net.

Of a Caffe net, alone or among several, a code is the layer's value as a whole forward pass leaves it, so after an
in-place ReLU; of any other target it is what the target gives.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..am import CaffeTarget, JointTarget, Target
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
        self.shape = tuple(target.layer_shape(layer))
        target.to(self.device)
        self._read = _reader(target, layer)

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


def _reader(target: Target, layer: str) -> Callable[[Tensor], Tensor]:
    """From images (N, 3, *size), BGR, mean-subtracted, to the layer's values."""
    if isinstance(target, JointTarget):
        name, _, own = layer.partition(".")
        one = target.targets[name]
        framing, inner = choose_framing(target.size, one.size), _reader(one, own)
        return lambda images: inner(framing(images))
    if isinstance(target, CaffeTarget):
        codes = PictureCodes(target.module, layer)
        return lambda images: target.module(target.preprocess(images), end=codes.end, keep=[codes.blob])[codes.blob]
    return lambda images: target(images, [layer])[layer]
