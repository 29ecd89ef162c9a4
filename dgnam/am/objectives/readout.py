"""The readout: values of a batch's objectives, from one pass through the target."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..targets.target import Target
from .objective import Objective, Term
from .unit import Unit


class Readout:
    """From a batch of images to the value of each one's objective.

    All units of a layer are read by one indexing; other terms are measured on all their images at once.
    """

    def __init__(self, target: Target, objectives: Sequence[Objective], device: torch.device):
        """objectives: one for each image; all of them read the same layers."""
        self.target, self.layers = target, objectives[0].layers
        shapes = {layer: target.layer_shape(layer) for layer in self.layers}
        units: dict[str, list[tuple[int, int, float]]] = {}
        self._others: dict[Term, tuple[list[int], list[float]]] = {}
        for row, objective in enumerate(objectives):
            for weight, term in objective.terms:
                term.check(shapes[term.layer])
                if isinstance(term, Unit):
                    units.setdefault(term.layer, []).append((row, term.offset(shapes[term.layer]), weight))
                else:
                    rows, weights = self._others.setdefault(term, ([], []))
                    rows.append(row)
                    weights.append(weight)
        self._units = {
            layer: tuple(torch.tensor(column, device=device) for column in zip(*found, strict=True))
            for layer, found in units.items()
        }

    def __call__(self, images: Tensor) -> Tensor:
        """(N,), for images (N, 3, *size)."""
        values = self.target(images, self.layers)
        total = images.new_zeros(len(images))
        for layer, (rows, offsets, weights) in self._units.items():
            total = total.index_add(0, rows, values[layer].flatten(1)[rows, offsets] * weights)
        for term, (places, own) in self._others.items():
            index = torch.tensor(places, device=images.device)
            measured = term.measure(values[term.layer][index])
            total = total.index_add(0, index, measured * torch.tensor(own).to(measured))
        return total
