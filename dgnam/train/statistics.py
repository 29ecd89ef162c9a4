"""Batch normalisation's statistics for a net that has seen no pictures yet, as one has before its training."""

from __future__ import annotations

import torch
from torch import Tensor

from ..caffe.module import CaffeModule
from ..caffe.net_build import WiredLayer


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
        maker = _maker(net, norm)
        with torch.no_grad():
            values = net.values_at([maker.name], images)[maker.name].float().cpu()
        axes = [0, *range(2, values.dim())]
        mean, variance = values.mean(axes), values.var(axes, unbiased=False)
        net.copy_from({norm.name: [mean.numpy(), variance.numpy(), torch.ones(1).numpy()]})
    net.train(training)


def _norms(net: CaffeModule) -> list[WiredLayer]:
    return [wired for wired in net.plan.layers if wired.layer.type == "BatchNorm"]


def _count(net: CaffeModule, norm: WiredLayer) -> float:
    return float(net.weights()[norm.name][2].item())


def _maker(net: CaffeModule, norm: WiredLayer) -> WiredLayer:
    """The layer whose top `norm` takes."""
    before = net.plan.layers[: net.plan.layer_index(norm.name)]
    return next(wired for wired in reversed(before) if wired.tops[:1] == norm.bottoms[:1])
