"""From a trained definition to the plain net that is published: batch normalisation folded, codes scaled."""

from __future__ import annotations

import numpy as np

from ...caffe.modules.caffe_module import CaffeModule
from ...caffe.proto import pb
from ...caffe.wiring.build import WiredLayer
from ...errors import DgnamError

Arrays = dict[str, list[np.ndarray]]
_LARGEST_VARIANCE = 1e4
LINEAR = ("Convolution", "Deconvolution", "InnerProduct")
_FOLDED = ("BatchNorm", "Scale", "Power", "Dropout")
"""What a net in TEST can do without, once it runs in place and its weights are folded."""


def fold(net: CaffeModule) -> Arrays:
    """Weights for the same net without its BatchNorm, Scale and Power layers, in TEST.

    Each of these must work in place on the top of a Convolution, Deconvolution or InnerProduct, before anything else
    does; it goes into that layer's weight and bias.  Other layers keep what they have, and so does a Power that makes
    a blob of its own.
    """
    weights = net.weights()
    folded: Arrays = {}
    maker: dict[int, WiredLayer] = {}
    for wired in net.plan.layers:
        if wired.layer.type in LINEAR:
            maker[wired.tops[0]] = wired
        apart = wired.layer.type == "Power" and wired.bottoms != wired.tops
        if wired.layer.type in ("BatchNorm", "Scale", "Power") and not apart:
            _affine(folded, _before(wired, maker), *_factor_and_offset(wired, weights.get(wired.name, [])))
        else:
            if wired.params:
                folded[wired.name] = list(weights[wired.name])
            for top in wired.tops if wired.layer.type not in LINEAR else ():
                maker.pop(top, None)  # what runs in place, a ReLU say, stands between
    return folded


def folded_net(definition: pb.NetParameter, net: CaffeModule) -> CaffeModule:
    """`net`, of this deployed definition, without what it can do without in TEST: the same numbers in fewer passes.

    These are BatchNorm, Scale, Power and Dropout in place.  Blobs and layers keep their names; those that went are
    gone.
    """
    weights = fold(net)
    plain = pb.NetParameter()
    plain.CopyFrom(definition)
    kept = [layer for layer in definition.layer if not (layer.type in _FOLDED and layer.bottom == layer.top)]
    del plain.layer[:]
    plain.layer.extend(kept)
    for layer in plain.layer:
        if layer.type in LINEAR and len(weights[layer.name]) > 1:
            options = layer.inner_product_param if layer.type == "InnerProduct" else layer.convolution_param
            options.bias_term = True
    return CaffeModule(plain, weights).eval()


def averaged(net: CaffeModule) -> Arrays:
    """The net's weights as they are, but for BatchNorm's sums, which become means over a count of 1.

    Where a variance is so large that float16 couldn't hold it, the layer before is made smaller, and with it mean and
    variance; what BatchNorm gives stays the same.
    """
    weights = net.weights()
    maker: dict[int, WiredLayer] = {}
    for wired in net.plan.layers:
        if wired.layer.type == "BatchNorm":
            mean, variance, count = weights[wired.name]
            largest = float((variance / count).max())
            shrink = np.float32(1)
            if largest > _LARGEST_VARIANCE and wired.bottoms[0] in maker:
                shrink = np.float32(np.sqrt(_LARGEST_VARIANCE / largest))
                before = maker[wired.bottoms[0]].name
                weights[before] = [blob * shrink for blob in weights[before]]
            weights[wired.name] = [mean / count * shrink, variance / count * shrink**2, np.ones_like(count)]
        for top in wired.tops:
            maker.pop(top, None)
        if wired.layer.type in LINEAR:
            maker[wired.tops[0]] = wired
    return weights


def _factor_and_offset(wired: WiredLayer, blobs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """What the layer multiplies by and adds, for each channel."""
    definition = wired.layer.definition
    if wired.layer.type == "BatchNorm":
        mean, variance, count = blobs
        factor = 1 / np.sqrt(variance / count + definition.batch_norm_param.eps)
        return factor, -mean / count * factor
    if wired.layer.type == "Scale":
        return blobs[0], blobs[1] if len(blobs) > 1 else np.zeros_like(blobs[0])
    power = definition.power_param
    if power.power != 1:
        raise DgnamError(f"layer '{wired.name}' can't be folded: its power is {power.power}, and only 1 is linear")
    return np.array([power.scale], np.float32), np.array([power.shift], np.float32)


def _before(wired: WiredLayer, maker: dict[int, WiredLayer]) -> WiredLayer:
    if wired.bottoms != wired.tops or wired.bottoms[0] not in maker:
        raise DgnamError(
            f"layer '{wired.name}' can't be folded: it must run in place on the top of a layer that is linear"
        )
    return maker[wired.bottoms[0]]


def _affine(weights: Arrays, linear: WiredLayer, factor: np.ndarray, offset: np.ndarray) -> None:
    """Let `linear` give factor * y + offset, one value to an output channel or one to all, where it gave y."""
    weight, *bias = weights[linear.name]
    outputs = (
        linear.layer.definition.convolution_param.num_output if linear.layer.type == "Deconvolution" else len(weight)
    )
    before = bias[0] if bias else np.zeros(outputs, np.float32)
    # A Deconvolution's weight has its outputs on the second axis.
    spread = factor.reshape((-1, *[1] * (weight.ndim - (2 if linear.layer.type == "Deconvolution" else 1))))
    weights[linear.name] = [(weight * spread).astype(np.float32), (before * factor + offset).astype(np.float32)]


def scale_code(weights: Arrays, layer: str, following: str, factor: float) -> None:
    """Multiply `layer`'s outputs by `factor` > 0 and divide by it in `following`, an InnerProduct behind a ReLU."""
    weights[layer] = [w * np.float32(factor) for w in weights[layer]]
    weight, *bias = weights[following]
    weights[following] = [weight / np.float32(factor), *bias]
