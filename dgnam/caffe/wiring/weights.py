"""Copying weights by layer name into a net."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import CaffeError
from ..layer import Shape

Weights = Mapping[str, Sequence[np.ndarray]]
"""The blobs of each layer, in order, by the layer's name."""


@dataclass(frozen=True)
class Slot:
    """The destination of one blob's values.

    put: takes a float32 tensor of `shape` on the CPU.
    shared: whether another layer owns the blob, so that the weights may omit it here.
    """

    shape: Shape
    put: Callable[[Tensor], object]
    shared: bool = False


def copy_weights(layers: Iterable[tuple[str, Sequence[Slot]]], weights: Weights) -> None:
    """Copy weights into layers with matching names, ignoring others, as in Caffe.

    Of several layers of one name the first receives them.  Shapes must be equal, except for legacy 4-axis shapes: ones
    followed by the net's shape.  An array of shape (0,) stands for an omitted shared blob.
    """
    done: set[str] = set()
    for name, slots in layers:
        if name in done:
            continue
        done.add(name)
        for slot, array in _pairs(name, slots, weights):
            slot.put(torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).view(slot.shape))


def check_weights(layers: Iterable[tuple[str, Sequence[Slot]]], weights: Weights) -> None:
    """Raise CaffeError if `copy_weights` would; copies nothing."""
    for name, slots in layers:
        _pairs(name, slots, weights)


def _pairs(name: str, slots: Sequence[Slot], weights: Weights) -> list[tuple[Slot, np.ndarray]]:
    """Return the slots of a layer with their arrays in `weights`; raises CaffeError if one doesn't fit."""
    given = weights.get(name)
    if given is None:
        return []
    if len(given) > len(slots) or not all(slot.shared for slot in slots[len(given) :]):
        raise CaffeError(f"layer '{name}' has {len(slots)} parameters; the weights have {len(given)}")
    pairs = [(s, a) for s, a in zip(slots, given, strict=False) if not (s.shared and tuple(a.shape) == (0,))]
    for i, (slot, array) in enumerate(pairs):
        _check_shape(f"layer '{name}', parameter {i}", array.shape, slot.shape)
    return pairs


def _check_shape(where: str, given: Sequence[int], wanted: Shape) -> None:
    lead = len(given) - len(wanted)
    legacy = lead > 0 and all(n == 1 for n in given[:lead]) and tuple(given[lead:]) == tuple(wanted)
    if tuple(given) != tuple(wanted) and not legacy:
        raise CaffeError(
            f"{where}: the net's shape is {tuple(wanted)}, the weights' {tuple(given)}; "
            "rename the layer to learn it from scratch"
        )
