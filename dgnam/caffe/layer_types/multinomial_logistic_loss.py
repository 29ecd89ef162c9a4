"""MultinomialLogisticLoss: the mean negative log-likelihood of labels under probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Context, Gradients, Pass, Shape, register
from .loss import LOG_THRESHOLD, Loss


@register("MultinomialLogisticLoss")
class MultinomialLogisticLoss(Loss):
    """Bottoms: probabilities (N, …), K per item, and labels (N,).  y = -sum of log p[label] / N."""

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        if self.legacy(bottom_shapes[1]) != (self.legacy(bottom_shapes[0])[0], 1, 1, 1):
            raise self.fail(f"takes one label per item; got bottoms of shapes {[tuple(s) for s in bottom_shapes]}")
        return super().top_shapes(bottom_shapes)

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        picked, _ = self._picked(bottoms)
        return [-picked.log().sum() / len(picked)]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dp = -weight / (N p) at the labels, also where p is below the least that the logarithm is taken of."""
        if not now.needs.bottoms[0]:
            return [None, None], []
        picked, index = self._picked(now.bottoms)
        dx = torch.zeros_like(now.bottoms[0]).reshape(len(picked), -1)
        dx.scatter_(1, index[:, None], (-now.top_diffs[0] / len(picked) / picked)[:, None])
        return [dx.view(now.bottoms[0].shape), None], []

    def _picked(self, bottoms: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        rows = bottoms[0].reshape(bottoms[0].shape[0], -1)
        index, _ = self.labels(bottoms[1], rows.shape[1])
        return rows.gather(1, index[:, None])[:, 0].clamp(min=LOG_THRESHOLD), index
