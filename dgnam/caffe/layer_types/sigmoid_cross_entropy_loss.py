"""SigmoidCrossEntropyLoss: the cross-entropy of independent binary targets, with probabilities by the sigmoid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Context, Gradients, Pass, Shape, register
from ..proto import pb
from .loss import Loss


@register("SigmoidCrossEntropyLoss")
class SigmoidCrossEntropyLoss(Loss):
    """y = -sum of t log p + (1 - t) log(1 - p), p = sigmoid(x), over the normalizer, by default the batch size.

    Bottoms: x and the targets t in [0, 1], of equal counts.  Targets with integer part `ignore_label` are ignored.
    """

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        x, target = (tuple(s) for s in bottom_shapes)
        if math.prod(x) != math.prod(target):
            raise self.fail(f"its bottoms must have equal counts; got {x} and {target}")
        return super().top_shapes(bottom_shapes)

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        target, valid = self._targets(bottoms)
        x = bottoms[0]
        # To the last digit, since the target may be all but equal to it.
        context.state["probability"] = torch.sigmoid(x.detach().double()).to(x.dtype)
        each = torch.log(1 + torch.exp(-x.abs())) - x * (target - (x >= 0).to(x.dtype))
        context.state["divisor"] = divisor = self.normalizer(valid, len(valid), default=pb.LossParameter.BATCH_SIZE)
        return [torch.where(valid, each, 0).sum() / divisor]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dx = weight / normalizer * (p - t), 0 where the target is ignored; p and the normalizer are forward's."""
        if not now.needs.bottoms[0]:
            return [None, None], []
        target, valid = self._targets(now.bottoms)
        difference = torch.where(valid, self.kept(context, "probability") - target, 0)
        return [difference * (now.top_diffs[0] / self.kept(context, "divisor")), None], []

    def _targets(self, bottoms: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        target = bottoms[1].detach().reshape(bottoms[0].shape)
        options = self.definition.loss_param
        if options.HasField("ignore_label"):
            return target, target.long() != options.ignore_label
        return target, torch.ones_like(target, dtype=torch.bool)
