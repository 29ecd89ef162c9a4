"""What a batch of jobs sees in its images: the objectives' values, with one pass through the target."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..targets.target import Target
from .objective import Objective, Term, Unit


class Look:
    """The objectives of a batch's jobs: from images to a number for each."""

    def __init__(self, target: Target, objectives: Sequence[Objective], device: torch.device):
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
