"""Whether a gradient differs from real Caffe's only by decisions that float noise makes.

A ReLU's input that is 0 but for rounding errors can come out on either side, and of two inputs of a pooling window that
are equal but for rounding errors either can be the largest.  What a ReLU leaves of such an input is also the largest of
a window that has zeros otherwise.  Each such decision changes the gradient by a vector that can be computed.  If
Caffe's gradient is ours plus some of these vectors, each taken once, then the two agree but for these decisions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from dgnam.caffe.layer_types.pooling import _padded
from dgnam.caffe.net import Net
from dgnam.caffe.syncedmem import HOST
from dgnam.caffe.wiring.bound_layer import NetLayer

NEAR = 1e-6
"""How near a tie is, relative to the blob's largest value."""
TINY = 1e-30
"""Greater than 0, and nothing beside any other number."""


class Decision(NamedTuple):
    """A near tie: turn it over, and turn it back."""

    where: str
    turn: Callable[[], None]
    back: Callable[[], None]


def record_near_ties(net: Net) -> list[Decision]:
    """A list that the forward passes from now on fill with the near ties of ReLU and MAX pooling.

    Until the end of the pass near ties of ReLU count as positive, so that a window of zeros takes them as its largest:
    one that is turned over to positive has its part of the gradient then, and a negative one passes none on.
    """
    found: list[Decision] = []

    def look(index: int) -> None:
        layer = net.layers[index]
        if layer.type == "ReLU":
            found.extend(_relu_ties(layer))
        elif layer.type == "Pooling" and layer.wired.layer.method == "MAX":
            found.extend(_pooling_ties(layer))

    def decide(index: int) -> None:
        if index == len(net.layers) - 1:
            for tie in found:
                tie.back()

    net.before_forward(look)
    net.after_forward(decide)
    return found


def explained(
    gradient: Callable[[], np.ndarray], theirs: np.ndarray, ties: list[Decision]
) -> tuple[np.ndarray, list[str]]:
    """Our gradient with the ties decided as in `theirs`, and which were turned over for that.

    gradient: computes ours, as things stand.
    """
    ours = gradient()
    effects = np.stack([_effect(tie, gradient, ours) for tie in ties], 1)
    shares, *_ = np.linalg.lstsq(effects, theirs - ours, rcond=1e-8)
    turned = [tie for tie, share in zip(ties, shares, strict=True) if share > 0.5]
    for tie in turned:
        tie.turn()
    return gradient(), [tie.where for tie in turned]


def _effect(tie: Decision, gradient: Callable[[], np.ndarray], ours: np.ndarray) -> np.ndarray:
    tie.turn()
    effect = gradient() - ours
    tie.back()
    return effect


def _relu_ties(layer: NetLayer) -> list[Decision]:
    values = layer.bottoms[0].data_on(HOST).view(-1)
    near = (values.abs() < NEAR * values.abs().max()).nonzero()[:, 0]
    ties = [_relu_tie(layer, i, bool(values[i] > 0)) for i in near.tolist()]
    values[near] = values[near].clamp(min=TINY)
    return ties


def _relu_tie(layer: NetLayer, index: int, positive: bool) -> Decision:
    """The backward pass goes by the sign of the data as they stand, and a value this small changes nothing else."""

    def make(sign: float) -> Callable[[], None]:
        return lambda: layer.bottoms[0].data.reshape(-1).__setitem__(index, sign * TINY)

    sign = 1.0 if positive else -1.0
    return Decision(f"{layer.name}[{index}]", make(-sign), make(sign))


def _pooling_ties(layer: NetLayer) -> list[Decision]:
    """The windows whose second largest value is all but equal to the largest; equal ones are decided by place."""
    pooling, x = layer.wired.layer, layer.bottoms[0].data_on(HOST)
    windows, out = pooling._windows(x.shape), pooling.top_shapes([tuple(x.shape)])[0][2:]
    padded, top, left = _padded(x, windows, out, float("-inf"))
    seen = padded.unfold(2, windows.kernel[0], windows.stride[0]).unfold(3, windows.kernel[1], windows.stride[1])
    values, places = seen[:, :, : out[0], : out[1]].flatten(4).topk(2, 4)
    gap = values[..., 0] - values[..., 1]
    near = ((gap > 0) & (gap < NEAR * x.abs().max())).nonzero().tolist()
    pairs: defaultdict[tuple[int, int, int], list[int]] = defaultdict(list)
    for n, c, i, j in near:
        first, second = (
            (i * windows.stride[0] + place // windows.kernel[1] - top) * x.shape[3]
            + (j * windows.stride[1] + place % windows.kernel[1] - left)
            for place in places[n, c, i, j].tolist()
        )
        plane = n * x.shape[1] + c
        pairs[plane, first, second].append((plane * out[0] + i) * out[1] + j)
    return [_pooling_tie(layer, indices, first, second) for (_, first, second), indices in pairs.items()]


def _pooling_tie(layer: NetLayer, indices: list[int], position: int, other: int) -> Decision:
    """All windows in which the same two values compete: they are decided alike."""

    def make(place: int) -> Callable[[], None]:
        return lambda: layer.context.state["position"].view(-1).index_fill_(0, torch.tensor(indices), place)

    return Decision(f"{layer.name}{indices}", make(other), make(position))
