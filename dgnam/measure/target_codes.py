"""The codes of pictures by any target, in place of the `PictureCodes` of a Caffe net."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..am import Target
from .layer_codes import LayerCodes


class TargetCodes:
    """From preprocessed pictures, BGR minus 104, 117, 123, to a layer's values, as `LayerCodes` has them.

    shape: the shape of one code.
    channels: the number of channels of the input.
    """

    channels = 3

    def __init__(self, target: Target, layer: str, device: str = "cpu"):
        self.layer, self._codes = layer, LayerCodes(target, [layer], device)
        self.shape = self._codes.shapes[layer]

    def __call__(self, batch: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """(N, 3, H, W) float32 → (N, n) float32; an error names the first picture whose code isn't finite."""
        return self._codes(batch, names)[self.layer]
