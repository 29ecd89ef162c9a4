"""Smoothness over time: a penalty on differences between the codes of neighboring frames."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ...errors import DgnamError
from .penalty import Penalty


@dataclass(frozen=True)
class Smoothness(Penalty):
    """The sum over neighboring frames of the squared distance of their codes, for clips (N, frames, *code_shape)."""

    @property
    def label(self) -> str:
        return f"smooth{self.weight:g}"

    def energy(self, codes: Tensor) -> Tensor:
        if codes.dim() < 3:
            raise DgnamError(f"{self} is for clips, (N, frames, …), and the codes have shape {tuple(codes.shape)}")
        steps = codes[:, 1:] - codes[:, :-1]
        return (steps * steps).flatten(1).sum(1)
