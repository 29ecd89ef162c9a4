"""The paper's L2: the norm of the code in the objective."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import check_number
from .regularizer import Array, Regularizer


@dataclass(frozen=True)
class NormPenalty(Regularizer):
    """`weight` times the Euclidean norm of the code, subtracted from the activation: Eq. 1 as printed, weight 0.005."""

    weight: float

    def __post_init__(self) -> None:
        check_number("norm_penalty", self.weight, least=0)

    @property
    def label(self) -> str:
        return f"norm{self.weight}"

    def penalty_gradient(self, codes: Array) -> Array:
        """-weight * y / |y|, and 0 for the code 0."""
        norms = (codes * codes).reshape(len(codes), -1).sum(1) ** 0.5
        norms = norms + (norms == 0)
        return codes * (-self.weight / norms).reshape(-1, *[1] * (codes.ndim - 1))
