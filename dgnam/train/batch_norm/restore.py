"""From a plain net back to one with batch normalisation, to train on from where a folded one was left."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ...caffe.modules.caffe_module import CaffeModule
from ...caffe.wiring.build import WiredLayer
from ...caffe.wiring.weights import Weights
from .fold import LINEAR
from .statistics import mean_and_variance


def is_folded(net: CaffeModule, weights: Weights) -> bool:
    """Whether `weights` have a bias, and no batch normalisation, where `net` has a layer without bias before one."""
    return any(_folded(linear, norm, weights) for linear, norm, _ in _triples(net))


def _folded(linear: WiredLayer, norm: WiredLayer, weights: Weights) -> bool:
    return len(weights.get(linear.name, ())) == 2 and norm.name not in weights


def restore_batch_norm(net: CaffeModule, folded: Weights, images: Tensor) -> None:
    """Give `net`, which has BatchNorm and Scale, the weights of a folded net, so that in TEST it computes the same.

    images: (N, C, H, W), as the net takes them; their statistics become BatchNorm's, and Scale gets what undoes that.
    The linear layers' weights are brought to the size that He et al. (2015) start from, at which they learn well, and
    BatchNorm makes up for it.  Layers without BatchNorm get their weights as they are.
    """
    training = net.training
    net.eval()
    triples = [triple for triple in _triples(net) if _folded(triple[0], triple[1], folded)]
    normalised = {linear.name for linear, _, _ in triples}
    net.copy_from({name: blobs for name, blobs in folded.items() if name not in normalised})
    for linear, norm, scale in triples:
        weight, before = (np.asarray(blob) for blob in folded[linear.name])
        size = np.float32(np.sqrt(2 / weight[0].size) / max(float(np.std(weight)), 1e-12))
        net.copy_from({linear.name: [weight * size]})
        mean, variance = mean_and_variance(net, linear, linear.tops[0], images)
        deviation = np.sqrt(variance + norm.layer.definition.batch_norm_param.eps)
        statistics = [mean, variance, np.ones(1, np.float32)]
        net.copy_from({norm.name: statistics, scale.name: [deviation / size, before + mean / size]})
    net.train(training)


def _triples(net: CaffeModule) -> list[tuple[WiredLayer, WiredLayer, WiredLayer]]:
    """The linear layers without a bias that BatchNorm and Scale follow in place."""
    layers = net.plan.layers
    return [
        (linear, norm, scale)
        for linear, norm, scale in zip(layers, layers[1:], layers[2:], strict=False)
        if linear.layer.type in LINEAR
        and len(linear.params) == 1
        and (norm.layer.type, scale.layer.type) == ("BatchNorm", "Scale")
        and linear.tops == norm.bottoms == norm.tops == scale.bottoms == scale.tops
        and len(scale.params) == 2
    ]
