"""HingeLoss: one-versus-all margins."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Context, Gradients, Pass, Shape, register
from ..proto import pb
from .loss import Loss


@register("HingeLoss")
class HingeLoss(Loss):
    """Bottoms: scores (N, …), K per item, and labels (N,).

    y = sum of max(0, 1 - d x), or of its square (norm L2), over N; d is 1 for the label and -1 for the others.
    """

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        if math.prod(bottom_shapes[1]) < self.legacy(bottom_shapes[0])[0]:
            raise self.fail(f"takes one label per item; got bottoms of shapes {[tuple(s) for s in bottom_shapes]}")
        return super().top_shapes(bottom_shapes)

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        x = bottoms[0].reshape(bottoms[0].shape[0], -1)
        missing = (1 - self._sign(bottoms) * x).clamp(min=0)
        context.state["missing"] = missing.detach()
        context.state["bottom_diff"] = missing.detach().reshape(bottoms[0].shape)
        return [(missing.pow(2) if self._squared else missing).sum() / len(missing)]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dx = -d weight / N where forward saw the margin violated; for L2, times twice the violation."""
        if not now.needs.bottoms[0]:
            return [None, None], []
        missing = self.kept(context, "missing")
        slope = 2 * missing if self._squared else missing.sign()
        dx = -self._sign(now.bottoms) * slope * (now.top_diffs[0] / len(missing))
        return [dx.view(now.bottoms[0].shape), None], []

    @property
    def _squared(self) -> bool:
        return self.definition.hinge_loss_param.norm == pb.HingeLossParameter.L2

    def _sign(self, bottoms: Sequence[Tensor]) -> Tensor:
        """Return each score's target sign d, (N, K)."""
        x = bottoms[0].reshape(bottoms[0].shape[0], -1)
        index, _ = self.labels(bottoms[1].flatten()[: len(x)], x.shape[1])
        return torch.full_like(x, -1).scatter_(1, index[:, None], 1.0)
