"""A unit over all its positions: a channel of a convolutional layer, a feature over all tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ...zoo.layers import units
from ..argument_types import check_types
from .objective import Term, check_unit_index


@dataclass(frozen=True)
class Channel(Term):
    """The mean of a channel over all its positions, or of a feature over all tokens."""

    layer: str
    index: int

    def __post_init__(self) -> None:
        check_types(Channel.__init__, vars(self))

    def __str__(self) -> str:
        return f"{self.layer}:{self.index}@all"

    def check(self, shape: Sequence[int]) -> None:
        check_unit_index(self, self.index, units(shape))

    def measure(self, values: Tensor) -> Tensor:
        if values.dim() == 3:
            return values[..., self.index].mean(1)
        return values[:, self.index].flatten(1).mean(1) if values.dim() > 3 else values[:, self.index]
