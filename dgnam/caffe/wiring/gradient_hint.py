"""A hint for who reads a gradient that no backward pass of the net computes, and finds zeros.

Caffe computes gradients between a learned parameter and a loss only, so that a deployed net's input has none unless the
prototxt says `force_backward: true`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..blob import Blob
from ..glog import LOGGER
from .bound_layer import NetLayer


class GradientHint:
    """Watches the blobs below the start of a backward pass, and says once that one is read that has no gradient.

    name: the net's, for the message; force_backward: the net's, with which there is nothing to watch.
    """

    def __init__(self, name: str, force_backward: bool, layers: Sequence[NetLayer], blobs: Mapping[str, Blob]):
        self._name, self._layers, self._blobs = name, layers, blobs
        self._done = force_backward
        self._watched: list[str] = []

    def watch(self, first: int, last: int) -> None:
        """Watch, after a backward pass from layer `first` down to `last`, until the next one."""
        if self._done or not self._layers:
            return
        below = {id(blob) for layer in self._layers[last : first + 1] for blob in _forced(layer)}
        below -= {id(top) for top in self._layers[first].tops}
        memories = {id(blob._diff) for layer in self._layers for blob in _computed(layer)}
        for name, blob in self._blobs.items():
            if id(blob) in below and id(blob._diff) not in memories:
                self._watched.append(name)
                blob.on_diff = lambda name=name: self.read(name)

    def stop(self) -> None:
        """Watch no longer, as layers read diffs themselves."""
        for name in self._watched:
            self._blobs[name].on_diff = None
        self._watched.clear()

    def read(self, name: str) -> None:
        """Give the hint if blob `name` is watched and its diff is zero."""
        if name not in self._watched:
            return
        self._blobs[name].on_diff = None
        if not self._blobs[name].diff.any():
            self.stop()
            self._done = True
            LOGGER.warning(
                "net '%s': no backward pass computes the diff of blob '%s', which is zero; add the line "
                "'force_backward: true' to the prototxt: without it gradients are computed between a learned parameter "
                "and a loss only",
                *(self._name, name),
            )


class Diffs(dict[str, np.ndarray]):
    """What a backward pass returns: diffs by name, of which `read` is told which are read; copies are plain dicts."""

    def __init__(self, diffs: Mapping[str, np.ndarray], read: Callable[[str], None]):
        super().__init__(diffs)
        self._read = read

    def __getitem__(self, name: str) -> np.ndarray:
        self._read(name)
        return super().__getitem__(name)

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


def _forced(layer: NetLayer) -> list[Blob]:
    """The bottoms whose gradients force_backward would compute."""
    without = (*layer.wired.layer.unforced, *layer.wired.layer.no_gradient)
    return [blob for i, blob in enumerate(layer.bottoms) if i not in without]


def _computed(layer: NetLayer) -> list[Blob]:
    """The bottoms whose gradients a backward pass computes."""
    wired = layer.wired
    always = wired.layer.always if wired.backward else ()
    return [b for i, b in enumerate(layer.bottoms) if i in always or (wired.backward and wired.needs.bottoms[i])]
