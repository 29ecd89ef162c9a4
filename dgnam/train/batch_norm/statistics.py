"""Batch normalisation's statistics for a net that has seen no pictures yet, as one has before its training."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...caffe.modules.caffe_module import CaffeModule
from ...caffe.wiring.build import WiredLayer


def lacks_statistics(net: CaffeModule) -> bool:
    """Whether any BatchNorm of `net` has gathered none: in TEST it would divide by next to nothing."""
    return any(not _count(net, norm) for norm in _norms(net))


def find_statistics(net: CaffeModule, images: Tensor) -> None:
    """Let each BatchNorm without statistics have those of `images` (N, C, H, W), as the net takes them, in TEST."""
    training = net.training
    net.eval()
    for norm in _norms(net):
        if _count(net, norm):
            continue
        mean, variance = mean_and_variance(net, _maker(net, norm), norm.bottoms[0], images)
        net.copy_from({norm.name: [mean, variance, np.ones(1, np.float32)]})
    net.train(training)


def mean_and_variance(net: CaffeModule, maker: WiredLayer, blob: int, images: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Of each channel of a blob as its `maker` leaves it: (C,), over `images` (N, C, H, W) and all positions.

    blob: the place of one of the maker's tops among the net's blobs.
    """
    name = net.plan.blob_names[blob]
    with torch.no_grad():
        values = net(images, end=maker.name)[name].float().cpu()
    axes = [0, *range(2, values.dim())]
    return values.mean(axes).numpy(), values.var(axes, unbiased=False).numpy()


def _norms(net: CaffeModule) -> list[WiredLayer]:
    return [wired for wired in net.plan.layers if wired.layer.type == "BatchNorm"]


def _count(net: CaffeModule, norm: WiredLayer) -> float:
    return float(net.weights()[norm.name][2].item())


def _maker(net: CaffeModule, norm: WiredLayer) -> WiredLayer:
    """The layer one of whose tops `norm` takes, an Input or a Split maybe: a plan has one for every bottom."""
    before = net.plan.layers[: net.plan.layer_index(norm.name)]
    return next(wired for wired in reversed(before) if norm.bottoms[0] in wired.tops)
