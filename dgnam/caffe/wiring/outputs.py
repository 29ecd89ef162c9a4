"""A net's outputs as a vector and as lines of Caffe's log."""

from __future__ import annotations

import numpy as np

from ..glog import number
from ..net import Net
from ..syncedmem import HOST


def output_values(net: Net) -> np.ndarray:
    """Return all values of a net's outputs, in order, flat."""
    parts = [net.blobs[name].data_on(HOST).numpy().reshape(-1) for name in net.outputs]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


@np.errstate(all="ignore")
def output_lines(net: Net, values: np.ndarray) -> list[str]:
    """Format each output value as Caffe's log does, as in "loss = 1.5 (* 1 = 1.5 loss)".

    values: one per element of each output, in order, float32.
    """
    lines = []
    weights = net.blob_loss_weights
    names = [name for name in net.outputs for _ in range(net.blobs[name].count)]
    for name, value in zip(names, values, strict=True):
        weight = weights[name]
        weighed = f" (* {number(weight)} = {number(np.float32(weight) * value)} loss)" if weight else ""
        lines.append(f"{name} = {number(value)}{weighed}")
    return lines
