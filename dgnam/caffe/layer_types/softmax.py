"""Softmax over one axis, and the loss on it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register
from .loss import TINY, Loss


@register("Softmax")
class Softmax(Layer):
    """y = exp(x) / sum(exp(x)) along `axis`."""

    always = (0,)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        self.axis(self.definition.softmax_param.axis, tuple(bottom_shapes[0]))
        return [tuple(bottom_shapes[0])]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        return [F.softmax(bottoms[0], self.definition.softmax_param.axis)]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dx = y (dy - sum(dy y)), from the top, since the layer may run in place."""
        y, dy, axis = now.tops[0], now.top_diffs[0], self.definition.softmax_param.axis
        if not now.needs.bottoms[0]:
            return [None], []
        # In this order, since elsewhere y near 1 makes y dy and y sum(dy y) cancel less exactly than in Caffe.
        return [(dy - (dy * y).sum(axis, keepdim=True)) * y], []


@register("SoftmaxWithLoss")
class SoftmaxWithLoss(Loss):
    """The mean negative log-likelihood of the labels.

    Bottoms: scores (*outer, K, *inner) with the K classes along `axis`, and one label per (outer, inner) position.
    Tops: the loss, a scalar; optionally the probabilities, with an unused diff.
    Positions labeled `ignore_label` are ignored.
    """

    tops = (1, 2)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        scores, labels = (tuple(s) for s in bottom_shapes)
        axis = self.axis(self.definition.softmax_param.axis, scores)
        places = math.prod(scores[:axis]) * math.prod(scores[axis + 1 :])
        if places != math.prod(labels):
            raise self.fail(f"scores of shape {scores} need {places} labels, and the labels have shape {labels}")
        return [*super().top_shapes(bottom_shapes), scores][: len(self.definition.top)]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        scores, labels = bottoms
        axis = self.axis(self.definition.softmax_param.axis, tuple(scores.shape))
        log_probability = F.log_softmax(
            scores.float() if scores.dtype in (torch.float16, torch.bfloat16) else scores, axis
        )
        context.state["log_probability"] = log_probability.detach()
        places = torch.movedim(log_probability, axis, -1).reshape(-1, scores.shape[axis])
        index, valid = self.labels(labels, scores.shape[axis])
        picked = places.gather(1, index[:, None])[:, 0].clamp(min=math.log(TINY))
        loss = -(picked * valid).sum() / self.normalizer(valid, math.prod(scores.shape[:axis]))
        return [loss] if len(self.definition.top) == 1 else [loss, log_probability.exp()]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dx = weight / normalizer * (probability - 1 at the label), 0 where the label is ignored."""
        if not now.needs.bottoms[0]:
            return [None, None], []
        scores, labels = now.bottoms
        axis = self.axis(self.definition.softmax_param.axis, tuple(scores.shape))
        index, valid = self.labels(labels, scores.shape[axis])
        probability = self.kept(context, "log_probability").exp().movedim(axis, -1)
        dx = probability.reshape(-1, scores.shape[axis]).clone()
        dx[torch.arange(len(index), device=dx.device), index] -= 1
        dx *= (valid * (now.top_diffs[0] / self.normalizer(valid, math.prod(scores.shape[:axis]))))[:, None]
        return [dx.view(probability.shape).movedim(-1, axis), None], []
