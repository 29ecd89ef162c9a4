"""Whether a gradient differs from real Caffe's only by decisions that float noise makes.

A ReLU's input that is 0 but for rounding errors can come out on either side, and of two inputs of a pooling window that
are equal but for rounding errors either can be the largest.  Each such decision changes the gradient by a vector
that can be computed.  If Caffe's gradient is ours plus some of these vectors, each taken once, then the two agree but
for these decisions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from dgnam.caffe.blob import HOST
from dgnam.caffe.net import Net
from dgnam.caffe.net_layer import NetLayer

NEAR = 5e-7
"""How near a tie is, relative to the blob's largest value."""


class Decision(NamedTuple):
    """A near tie: turn it over, and turn it back."""

    where: str
    turn: Callable[[], None]
    back: Callable[[], None]


def record_near_ties(net: Net) -> list[Decision]:
    """A list that the forward passes from now on fill with the near ties of ReLU and MAX pooling."""
    found: list[Decision] = []

    def look(index: int) -> None:
        layer = net.layers[index]
        if layer.type == "ReLU":
            found.extend(_relu_ties(layer))
        elif layer.type == "Pooling" and layer.wired.layer.method == "MAX":
            found.extend(_pooling_ties(layer))

    net.before_forward(look)
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
    near = (values.abs() < NEAR * values.abs().max()).nonzero()[:, 0].tolist()
    return [_relu_tie(layer, i, bool(values[i] > 0)) for i in near]


def _relu_tie(layer: NetLayer, index: int, positive: bool) -> Decision:
    """The backward pass goes by the sign of the data as they stand, and a value this small changes nothing else."""

    def make(sign: float) -> Callable[[], None]:
        return lambda: layer.bottoms[0].data.reshape(-1).__setitem__(index, sign * 1e-30)

    sign = 1.0 if positive else -1.0
    return Decision(f"{layer.name}[{index}]", make(-sign), make(sign))


def _pooling_ties(layer: NetLayer) -> list[Decision]:
    """The windows whose second largest value is all but equal to the largest; equal ones are decided by place."""
    pooling, x = layer.wired.layer, layer.bottoms[0].data_on(HOST)
    windows, out = pooling._windows(x.shape), pooling.top_shapes([tuple(x.shape)])[0][2:]
    first, position = pooling._maximum(x, windows, out)
    others = x.flatten(2).scatter(2, position.flatten(2), float("-inf")).view_as(x)
    second, next_position = pooling._maximum(others, windows, out)
    gap = first - second
    near = ((gap > 0) & (gap < NEAR * x.abs().max()) & torch.isfinite(second)).view(-1).nonzero()[:, 0].tolist()
    return [_pooling_tie(layer, i, int(position.view(-1)[i]), int(next_position.view(-1)[i])) for i in near]


def _pooling_tie(layer: NetLayer, index: int, position: int, other: int) -> Decision:
    def make(place: int) -> Callable[[], None]:
        return lambda: layer.context.state["position"].view(-1).__setitem__(index, place)

    return Decision(f"{layer.name}[{index}]", make(other), make(position))
