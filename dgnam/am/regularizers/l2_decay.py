"""The published code's L2: decay of the code after each step."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import DgnamError
from ..checks import check_number
from .regularizer import Array, Regularizer, StepContext


@dataclass(frozen=True)
class L2Decay(Regularizer):
    """Multiplication of the code by `factor`, in (0, 1], after each step and its clip; 1 is no decay.

    Released as `L2 = 0.99` (Evolving-AI-Lab/synthesizing, act_max.py).  Yosinski et al. 2015 write their decay d as
    the factor 1 - d.
    """

    factor: float

    def __post_init__(self) -> None:
        check_number("l2", self.factor, above=0)
        if self.factor > 1:
            raise DgnamError(f"l2 {self.factor} must be at most 1, the factor without decay")

    @property
    def label(self) -> str:
        return str(self.factor)

    def project(self, codes: Array, context: StepContext) -> Array:
        return codes * self.factor if self.factor < 1 else codes
