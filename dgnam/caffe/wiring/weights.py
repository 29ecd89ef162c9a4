"""Copying weights by layer name into a net."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import CaffeError, closest, shortened
from ..layer import Shape
from ..proto import StateDict

_MOST_SHOWN = 4

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
    """Copy weights into layers with matching names, ignoring others, as in Caffe; a `StateDict` must match one.

    Of several layers of one name the first receives them.  Shapes must be equal, except for legacy 4-axis shapes: ones
    followed by the net's shape.  An array of shape (0,) stands for an omitted shared blob.
    """
    done: set[str] = set()
    for name, slots in _matching(layers, weights):
        if name in done:
            continue
        done.add(name)
        for slot, array in _pairs(name, slots, weights):
            slot.put(torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).view(slot.shape))


def check_weights(layers: Iterable[tuple[str, Sequence[Slot]]], weights: Weights) -> None:
    """Raise CaffeError if `copy_weights` would; copies nothing."""
    for name, slots in _matching(layers, weights):
        _pairs(name, slots, weights)


def check_layers(net: str, layers: Iterable[tuple[str, Sequence[Slot]]], weights: Weights) -> None:
    """Raise CaffeError unless a `StateDict` has weights for all layers of the net and for no others.

    Caffe's own files may lack layers, and have ones of other phases.
    """
    if not isinstance(weights, StateDict):
        return
    own = {name: all(slot.shared for slot in slots) for name, slots in layers}
    unknown = [name for name in weights if name not in own]
    missing = [name for name, shared in own.items() if not shared and name not in weights]
    if missing:
        has = closest(missing[0], unknown if unknown else weights)
        raise CaffeError(f"the state dict has no weights for {_shown(missing)} of net '{net}'; it has {has}")
    if unknown:
        raise CaffeError(
            f"the state dict has weights for {_shown(unknown)}, and net '{net}' has no such layer with weights; its "
            f"layers, the closest first: {closest(unknown[0], own)}"
        )


def _shown(layers: Sequence[str]) -> str:
    names = ", ".join(f"'{shortened(name)}'" for name in layers[:_MOST_SHOWN])
    more = f", … ({len(layers)} in all)" if len(layers) > _MOST_SHOWN else ""
    return f"layer{'s' if len(layers) > 1 else ''} {names}{more}"


def _matching(layers: Iterable[tuple[str, Sequence[Slot]]], weights: Weights) -> Iterable[tuple[str, Sequence[Slot]]]:
    """The layers; an error if a state dict is of none of them: it names its layers otherwise, and would do nothing."""
    if not isinstance(weights, StateDict):
        return layers
    layers = list(layers)
    if layers and not any(name in weights for name, _ in layers):
        names = [name for name, _ in layers]
        raise CaffeError(
            f"the state dict has none of the net's layers ({closest(next(iter(weights)), names)}), but "
            f"{closest(names[0], weights)}"
        )
    return layers


def _pairs(name: str, slots: Sequence[Slot], weights: Weights) -> list[tuple[Slot, np.ndarray]]:
    """Return the slots of a layer with their arrays in `weights`; raises CaffeError if one doesn't fit."""
    given = weights.get(name)
    if given is None:
        return []
    if len(given) > len(slots) or not all(slot.shared for slot in slots[len(given) :]):
        raise CaffeError(f"layer '{name}' has {len(slots)} parameters; the weights have {len(given)}")
    pairs = [(s, a) for s, a in zip(slots, given, strict=False) if not (s.shared and tuple(a.shape) == (0,))]
    for i, (slot, array) in enumerate(pairs):
        check_stored_shape(f"layer '{name}', parameter {i}", array.shape, slot.shape)
    return pairs


def check_stored_shape(where: str, given: Sequence[int], wanted: Shape) -> None:
    """Raise CaffeError unless a stored blob's shape is the wanted one, or that as four axes of an old file."""
    lead = len(given) - len(wanted)
    legacy = lead > 0 and all(n == 1 for n in given[:lead]) and tuple(given[lead:]) == tuple(wanted)
    if tuple(given) != tuple(wanted) and not legacy:
        raise CaffeError(
            f"{where}: the net's shape is {tuple(wanted)}, the weights' {tuple(given)}; "
            "rename the layer to learn it from scratch"
        )
