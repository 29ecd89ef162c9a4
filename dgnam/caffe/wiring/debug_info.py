"""A solver's `debug_info`: mean absolute values of all blobs during passes and updates."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..blob import Blob
from ..glog import LOGGER, number
from ..net import Net
from ..syncedmem import HOST
from .bound_layer import NetLayer


class DebugInfo:
    """Logs Caffe's debug lines of a net while `on` is true."""

    def __init__(self, net: Net):
        self.on = False
        self._net = net
        net.after_forward(self._forward)
        net.after_backward(self._backward)

    def gradients(self) -> None:
        """Log the norms of all parameters and their gradients; call after a backward pass."""
        if not self.on:
            return
        data = [b.data_on(HOST) for b in self._net.learnable_params]
        diffs = [b.diff_on(HOST) for b in self._net.learnable_params]
        l1 = [sum(float(t.double().abs().sum()) for t in tensors) for tensors in (data, diffs)]
        l2 = [sum(float(t.double().square().sum()) for t in tensors) ** 0.5 for tensors in (data, diffs)]
        LOGGER.error(
            "    [Backward] All net params (data, diff): L1 norm = (%s, %s); L2 norm = (%s, %s)", *map(number, l1 + l2)
        )

    def _forward(self, index: int) -> None:
        if not self.on:
            return
        layer = self._net.bound_layers[index]
        where = f"    [Forward] Layer {layer.name}"
        for name, blob in zip(self._names(layer.wired.tops), layer.tops, strict=True):
            LOGGER.info("%s, top blob %s data: %s", where, name, _mean(blob))
        for name, blob in zip(_param_names(layer), layer.blobs, strict=True):
            LOGGER.info("%s, param blob %s data: %s", where, name, _mean(blob))

    def _backward(self, index: int) -> None:
        layer = self._net.bound_layers[index]
        if not self.on or not layer.wired.backward:
            return
        where, needs = f"    [Backward] Layer {layer.name}", layer.wired.needs
        for name, blob, need in zip(self._names(layer.wired.bottoms), layer.bottoms, needs.bottoms, strict=True):
            if need:
                LOGGER.info("%s, bottom blob %s diff: %s", where, name, _mean(blob, diff=True))
        for i, (blob, need) in enumerate(zip(layer.blobs, needs.params, strict=True)):
            if need:
                LOGGER.info("%s, param blob %d diff: %s", where, i, _mean(blob, diff=True))

    def _names(self, blobs: Sequence[int]) -> list[str]:
        return [self._net.plan.blob_names[i] for i in blobs]


def _param_names(layer: NetLayer) -> list[str]:
    """Return the parameters' names in the prototxt, by default their indices."""
    specs = layer.wired.layer.definition.param
    named = [specs[i].name if i < len(specs) else "" for i in range(len(layer.blobs))]
    return [name if name else str(i) for i, name in enumerate(named)]


def _mean(blob: Blob, *, diff: bool = False) -> str:
    values = blob.diff_on(HOST) if diff else blob.data_on(HOST)
    return number(float(torch.linalg.vector_norm(values, 1, dtype=torch.float64)) / max(1, blob.count))
