"""A net as it is trained: each BatchNorm and the Scale behind it in one pass over the activations.

Layer by layer a batch goes four times through memory for the two, and in float32 where the convolutions before and
after take bfloat16: half of a small net's time.  Weights, statistics and what is written are those of the two layers.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..caffe.modules.caffe_module import CaffeModule
from ..caffe.wiring.build import WiredLayer


class TrainingModule(CaffeModule):
    """CaffeModule, faster in training; in evaluation nothing differs.

    In training the blob of a fused BatchNorm is never there without its Scale.
    """

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        layers = self.plan.layers
        pairs = [(norm, scale) for norm, scale in pairwise(layers) if _belong(norm, scale)]
        self._scale_of = {norm.name: scale for norm, scale in pairs}
        self._fused = {scale.name for _, scale in pairs}

    def _run(self, wired: WiredLayer, blobs: dict[str, Tensor]) -> None:
        if self.training and wired.name in self._scale_of:
            top = self.plan.blob_names[wired.tops[0]]
            blobs[top] = self._normalised(wired, self._find(self.plan.blob_names[wired.bottoms[0]], blobs))
        elif not (self.training and wired.name in self._fused):
            super()._run(wired, blobs)

    def _normalised(self, norm: WiredLayer, x: Tensor) -> Tensor:
        """(x - mean) / sqrt(variance + eps) * factor + offset; the statistics move on as BatchNorm's do."""
        sums, (factor, offset) = self._params(norm), self._params(self._scale_of[norm.name])
        options = norm.layer.definition.batch_norm_param
        mean, variance = torch.zeros_like(sums[0]), torch.zeros_like(sums[1])
        # With a momentum of 1 the running statistics are the batch's own.
        y = F.batch_norm(x, mean, variance, factor, offset, True, 1.0, options.eps)
        with torch.no_grad():
            for total, seen in zip(sums, (mean, variance, torch.ones_like(sums[2])), strict=True):
                total.mul_(options.moving_average_fraction).add_(seen)
        return y


def _belong(norm: WiredLayer, scale: WiredLayer) -> bool:
    """Whether `scale` runs in place on the batch-normalised blob, with a factor and an offset for each channel."""
    if norm.layer.type != "BatchNorm" or scale.layer.type != "Scale" or not norm.tops == scale.bottoms == scale.tops:
        return False
    options = scale.layer.definition.scale_param
    own = norm.layer.definition.batch_norm_param
    by_channel = options.bias_term and options.axis == 1 and options.num_axes == 1
    return by_channel and not own.use_global_stats
