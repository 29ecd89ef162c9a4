"""A direction in the space of a layer's values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import ArgumentError, DgnamError, shortened
from ...zoo.layers import units
from ..argument_types import check_types
from .objective import Term


@dataclass(frozen=True, eq=False)
class Direction(Term):
    """The projection of a layer's values on a direction: their dot product with `vector` / |vector|.

    vector: one number for each of the layer's values, in the shape and order of `Target.layer_shape`; or one for each
        channel or feature, (C,), to project the mean over positions or tokens.
    name: its text, as the name of a file.
    """

    layer: str
    vector: np.ndarray
    name: str = "direction"

    def __post_init__(self) -> None:
        check_types(Direction.__init__, {"layer": self.layer, "name": self.name})
        try:
            vector = np.array(self.vector, np.float32)
        except (TypeError, ValueError):
            raise ArgumentError(f"vector {shortened(repr(self.vector))}: give an array of numbers") from None
        norm = float(np.linalg.norm(vector))
        if not (math.isfinite(norm) and norm > 0):
            raise DgnamError(f"direction '{self.name}' in layer '{self.layer}': its vector must be finite and not zero")
        vector /= norm
        vector.flags.writeable = False
        object.__setattr__(self, "vector", vector)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Direction) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        return f"{self.layer}:{self.name}"

    def check(self, shape: Sequence[int]) -> None:
        own, others = _longer_than_1(self.vector.shape), (_longer_than_1(shape), _longer_than_1([units(shape)]))
        fits = own in others if len(own) > 1 else self.vector.size in (math.prod(shape), units(shape))
        if not shape or not fits:
            raise DgnamError(
                f"direction '{self.name}': its vector has {self.vector.size} numbers, and layer '{self.layer}' of "
                f"shape {tuple(shape)} takes {math.prod(shape)} or one for each of its {units(shape)} channels"
                + (f"; it has the shape {self.vector.shape}" if len(own) > 1 else "")
            )

    def measure(self, values: Tensor) -> Tensor:
        vector = torch.from_numpy(np.array(self.vector.ravel())).to(values)
        return self._projected(values) @ vector

    def magnitude(self, values: Tensor) -> Tensor:
        return self._projected(values).abs() @ torch.from_numpy(np.abs(self.vector.ravel())).to(values)

    def _projected(self, values: Tensor) -> Tensor:
        """(n, D): all values, or the means over positions or tokens, as many as the vector has numbers."""
        flat = values.flatten(1)
        if self.vector.size == flat.shape[1]:
            return flat
        return values.mean(1) if values.dim() == 3 else values.flatten(2).mean(2)

    def _key(self) -> tuple[Any, ...]:
        return self.layer, self.name, self.vector.shape, self.vector.tobytes()


def _longer_than_1(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
