"""Several regularizers as one."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import DgnamError
from .regularizer import Array, Regularizer, StepContext


@dataclass(frozen=True)
class CompositeRegularizer(Regularizer):
    """Regularizers applied in order; their penalty gradients add up."""

    parts: tuple[Regularizer, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.parts, tuple) or not self.parts:
            raise DgnamError(
                "CompositeRegularizer takes a tuple of one or more regularizers, as "
                "CompositeRegularizer((L2Decay(0.99), Blur(0.5, 4)))"
            )

    @property
    def label(self) -> str:
        return "+".join(part.label for part in self.parts)

    def penalty_gradient(self, codes: Array) -> Array | None:
        gradients = [found for part in self.parts if (found := part.penalty_gradient(codes)) is not None]
        return sum(gradients[1:], gradients[0]) if gradients else None

    def mask(self, gradient: Array, context: StepContext) -> Array:
        for part in self.parts:
            gradient = part.mask(gradient, context)
        return gradient

    def project(self, codes: Array, context: StepContext) -> Array:
        for part in self.parts:
            codes = part.project(codes, context)
        return codes
