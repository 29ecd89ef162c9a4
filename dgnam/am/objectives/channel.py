"""A whole channel of a convolutional layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from .objective import Term, check_unit_index


@dataclass(frozen=True)
class Channel(Term):
    """The mean of a channel over all its positions."""

    layer: str
    index: int

    def __str__(self) -> str:
        return f"{self.layer}:{self.index}@all"

    def check(self, shape: Sequence[int]) -> None:
        check_unit_index(self, self.index, shape[0])

    def measure(self, values: Tensor) -> Tensor:
        return values[:, self.index].flatten(1).mean(1) if values.dim() > 2 else values[:, self.index]
