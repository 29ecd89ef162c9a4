"""A regularizer for some of the steps."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import DgnamError
from .regularizer import Array, Regularizer, StepContext


@dataclass(frozen=True)
class During(Regularizer):
    """A regularizer in effect from step `first` to step `until` - 1, which it counts from 0.

    Penalties, whose gradient does not depend on the step, are not accepted.
    """

    first: int
    until: int
    regularizer: Regularizer

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.until:
            raise DgnamError(f"During({self.first}, {self.until}): give 0 <= first < until")
        if type(self.regularizer).penalty_gradient is not Regularizer.penalty_gradient:
            raise DgnamError(f"During takes a regularizer without a penalty, and {self.regularizer} may have one")

    @property
    def label(self) -> str:
        return f"{self.regularizer.label}@{self.first}-{self.until}"

    def mask(self, gradient: Array, context: StepContext) -> Array:
        inner = self._inner(context)
        return gradient if inner is None else self.regularizer.mask(gradient, inner)

    def project(self, codes: Array, context: StepContext) -> Array:
        inner = self._inner(context)
        return codes if inner is None else self.regularizer.project(codes, inner)

    def _inner(self, context: StepContext) -> StepContext | None:
        """The context as the regularizer counts steps; None outside its steps."""
        if not self.first <= context.step < self.until:
            return None
        return StepContext(context.step - self.first, context.gradient)
