"""What keeps a code small: the published multiplier, or the norm of Eq. 1.

Each works on codes (N, *code_shape), a row at a time, NumPy arrays and torch tensors alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

Array = Any  # a NumPy array or a torch tensor


class Regularisation(Protocol):
    """Two places where the loop asks: at the gradient, and after the step."""

    @property
    def label(self) -> str:
        """Its part of a published file name."""
        ...

    def gradient(self, codes: Array) -> Array | None:
        """What joins the objective's gradient by the code, or None where nothing does."""
        ...

    def shrink(self, codes: Array) -> Array:
        """The codes after a step and its clip, as the next step gets them."""
        ...


@dataclass(frozen=True)
class Shrink:
    """The published code's L2: after each step the code is multiplied by `factor`; outside (0, 1) it is left alone."""

    factor: float

    @property
    def label(self) -> str:
        return str(self.factor)

    def gradient(self, codes: Array) -> None:
        return None

    def shrink(self, codes: Array) -> Array:
        return codes * self.factor if 0 < self.factor < 1 else codes


@dataclass(frozen=True)
class NormPenalty:
    """Eq. 1 as printed: `weight` times the Euclidean norm of the code is subtracted from the activation."""

    weight: float

    @property
    def label(self) -> str:
        return f"norm{self.weight}"

    def gradient(self, codes: Array) -> Array:
        """-weight * y / |y|, and 0 for the code 0."""
        norms = (codes * codes).reshape(len(codes), -1).sum(1) ** 0.5
        norms = norms + (norms == 0)
        return codes * (-self.weight / norms).reshape(-1, *[1] * (codes.ndim - 1))

    def shrink(self, codes: Array) -> Array:
        return codes
