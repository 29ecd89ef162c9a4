"""Diversity within a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .objective import Term


@dataclass(frozen=True)
class Diversity(Term):
    """Minus the mean cosine similarity between an image's values and those of the others; 0 for a single image.

    The others are the images of the batch with the same term, so that the result of a job depends on its batch.  (The
    diversity term of Lucid's neuron objectives, on cosines of values.)
    """

    layer: str
    together = True

    def __str__(self) -> str:
        return f"{self.layer}:diversity"

    def check(self, shape: Sequence[int]) -> None:
        """Every layer is valid."""

    def measure(self, values: Tensor) -> Tensor:
        rows = torch.nn.functional.normalize(values.flatten(1), dim=1)
        cosines = rows @ rows.T
        others = cosines.sum(1) - cosines.diagonal()
        return -others / max(1, len(rows) - 1)
