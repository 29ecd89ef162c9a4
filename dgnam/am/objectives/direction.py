"""A direction in the space of a layer's values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import DgnamError
from .objective import Term


@dataclass(frozen=True, eq=False)
class Direction(Term):
    """The projection of a layer's values on a direction: their dot product with `vector` / |vector|.

    vector: one number for each of the layer's values, or for each channel, (C,), to project the mean over positions.
    name: its text, as the name of a file.
    """

    layer: str
    vector: np.ndarray
    name: str = "direction"

    def __post_init__(self) -> None:
        vector = np.array(self.vector, np.float32)
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
        if self.vector.size not in (math.prod(shape), shape[0]):
            raise DgnamError(
                f"direction '{self.name}': its vector has {self.vector.size} numbers, and layer '{self.layer}' of "
                f"shape {tuple(shape)} takes {math.prod(shape)} or one for each of its {shape[0]} channels"
            )

    def measure(self, values: Tensor) -> Tensor:
        vector = torch.from_numpy(np.array(self.vector.ravel())).to(values)
        flat = values.flatten(1)
        if len(vector) != flat.shape[1]:
            flat = values.flatten(2).mean(2)
        return flat @ vector

    def _key(self) -> tuple[Any, ...]:
        return self.layer, self.name, self.vector.shape, self.vector.tobytes()
