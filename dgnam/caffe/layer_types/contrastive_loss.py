"""ContrastiveLoss: pulls similar pairs together and pushes others apart up to a margin (Hadsell et al. 2006)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Context, Gradients, Pass, Shape, register
from .loss import Loss


@register("ContrastiveLoss")
class ContrastiveLoss(Loss):
    """Bottoms: a and b, both (N, C) or with trailing axes of 1, and whether they are similar, (N,).

    With d the distance of a and b, the loss is the mean over pairs of half d ** 2 for similar ones, and of half
    max(margin - d, 0) ** 2 for the others; half max(margin - d ** 2, 0) in the `legacy_version`.
    """

    bottoms = (3, 3)
    no_gradient = ()
    unforced = (2,)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        a, b, similar = (self.legacy(s) for s in bottom_shapes)
        if a != b or a[2:] != (1, 1) or similar[0] < a[0] or similar[1:] != (1, 1, 1):
            given = [tuple(s) for s in bottom_shapes]
            raise self.fail(f"takes shapes (N, C), (N, C) and (N,); got {given[0]}, {given[1]} and {given[2]}")
        return super().top_shapes(bottom_shapes)

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        options = self.definition.contrastive_loss_param
        a, b = bottoms[:2]
        difference = (a - b.reshape(a.shape)).reshape(len(a), -1)
        context.state["difference"] = difference.detach()
        squared = difference.pow(2).sum(1)
        if options.legacy_version:
            apart = (options.margin - squared).clamp(min=0)
        else:
            # The root's gradient at 0 would be infinite.
            distance = squared.clamp(min=torch.finfo(squared.dtype).tiny).sqrt()
            apart = (options.margin - distance).clamp(min=0).pow(2)
        return [torch.where(self._similar(bottoms), squared, apart).sum() / len(squared) / 2]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """As in Caffe, of the a and b that forward saw, and divided by the distance plus 1e-4."""
        options, difference = self.definition.contrastive_loss_param, self.kept(context, "difference")
        squared = difference.pow(2).sum(1)
        distance = squared.sqrt()
        short = options.margin - (squared if options.legacy_version else distance)
        pull = torch.ones_like(short) if options.legacy_version else short / (distance + 1e-4)
        factor = torch.where(self._similar(now.bottoms), 1.0, torch.where(short > 0, -pull, 0.0))
        da = difference * factor[:, None] * (now.top_diffs[0] / len(difference))
        da = da.reshape(now.bottoms[0].shape)
        return [
            da if now.needs.bottoms[0] else None,
            -da.reshape(now.bottoms[1].shape) if now.needs.bottoms[1] else None,
            None,
        ], []

    @staticmethod
    def _similar(bottoms: Sequence[Tensor]) -> Tensor:
        return bottoms[2].detach().flatten()[: bottoms[0].shape[0]].long() != 0
