"""The readout: values of a batch's objectives, from one pass through the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from ...errors import DgnamError
from ..targets.target import Target
from .objective import Objective, Term
from .unit import Unit

_COLUMNS = (torch.int64, torch.int64, torch.float32)
"""Of units: their images, the places of their values, and their weights."""


class Readout:
    """From a batch of images to the value of each one's objective.

    All units of a layer are read by one indexing; other terms are measured on all their images at once.
    """

    def __init__(self, target: Target, objectives: Sequence[Objective], device: torch.device):
        """objectives: one for each image; all of them read the same layers."""
        self.target, self.layers = target, objectives[0].layers
        shapes = {layer: target.layer_shape(layer) for layer in self.layers}
        units: dict[str, list[tuple[int, int, float]]] = {}
        others: dict[Term, tuple[list[int], list[float]]] = {}
        for row, objective in enumerate(objectives):
            for weight, term in objective.terms:
                term.check(shapes[term.layer])
                if isinstance(term, Unit):
                    units.setdefault(term.layer, []).append((row, term.offset(shapes[term.layer]), weight))
                else:
                    rows, weights = others.setdefault(term, ([], []))
                    rows.append(row)
                    weights.append(weight)
        self._others = {
            term: (torch.tensor(rows, device=device), torch.tensor(weights, dtype=torch.float32, device=device))
            for term, (rows, weights) in others.items()
        }
        self._units = {
            layer: tuple(
                torch.tensor([unit[place] for unit in found], dtype=kind, device=device)
                for place, kind in enumerate(_COLUMNS)
            )
            for layer, found in units.items()
        }

    def __call__(self, images: Tensor) -> Tensor:
        """(N,), for images (N, 3, *size)."""
        return self.total(self.values(images))

    def values(self, images: Tensor) -> dict[str, Tensor]:
        """The values of the objectives' layers."""
        return read_layers(self.target, images, self.layers)

    def total(self, values: Mapping[str, Tensor]) -> Tensor:
        """(N,), from the values of the layers."""
        return self._added(values, lambda term, own: term.measure(own), lambda numbers: numbers)

    def magnitude(self, values: Mapping[str, Tensor]) -> Tensor:
        """(N,), how large the numbers are that `total` adds up: what its rounding error is relative to."""
        return self._added(values, lambda term, own: term.magnitude(own), torch.abs)

    def _added(
        self,
        values: Mapping[str, Tensor],
        measure: Callable[[Term, Tensor], Tensor],
        of: Callable[[Tensor], Tensor],
    ) -> Tensor:
        first = next(iter(values.values()))
        total = torch.zeros(len(first), dtype=torch.float32, device=first.device)
        for layer, (rows, offsets, weights) in self._units.items():
            total = total.index_add(0, rows, of(values[layer].flatten(1)[rows, offsets] * weights).to(total))
        for term, (rows, own) in self._others.items():
            measured = measure(term, values[term.layer][rows])
            total = total.index_add(0, rows, (measured * of(own).to(measured)).to(total))
        return total


def read_layers(target: Target, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """The values of a target's layers; DgnamError where they don't have a row for each image."""
    values = target(images, layers)
    for layer in layers:
        if not isinstance(values.get(layer), Tensor):
            kind = type(values.get(layer)).__name__
            raise DgnamError(f"layer '{layer}': the target gives a {kind} for it, and a torch.Tensor is needed")
    for layer, found in values.items():
        if len(found) != len(images):
            raise DgnamError(
                f"layer '{layer}': its first axis is not the batch: {len(images)} images give the shape "
                f"{tuple(found.shape)}"
            )
    return values
