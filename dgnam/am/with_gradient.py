"""Backward passes that start from a tensor whose own gradient is known."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def with_gradient(of: Tensor, change: Tensor) -> Tensor:
    """A number whose gradient by `of` is `change`, of the same shape, for `torch.autograd.grad`.

    What that takes for this, `grad_outputs`, it checks by a module that imports sympy: half a second of a short run.
    """
    found: Tensor = _WithGradient.apply(of, change)
    return found


class _WithGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, of: Tensor, change: Tensor) -> Tensor:
        ctx.change = change
        return of.new_zeros(())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.change, None
