"""Accuracy: the fraction of labels among the highest scores.

Bottoms: scores (*outer, K, *inner) with the K classes along `axis`, and one label for each (outer, inner) position.
Tops: the accuracy, a scalar; optionally the accuracy of each class, (K,).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, Shape, register


@register("Accuracy")
class Accuracy(Layer):
    """A position is correct if fewer than `top_k` other classes score at least as high as its label.

    Positions labeled `ignore_label` are not counted; without positions the accuracy is 0.
    """

    bottoms = (2, 2)
    tops = (1, 2)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        scores, labels = (tuple(s) for s in bottom_shapes)
        axis = self.axis(self.definition.accuracy_param.axis, scores)
        places = math.prod(scores[:axis]) * math.prod(scores[axis + 1 :])
        if places != math.prod(labels):
            raise self.fail(f"scores of shape {scores} need {places} labels, and the labels have shape {labels}")
        if self.definition.accuracy_param.top_k > scores[axis]:
            raise self.fail(f"top_k {self.definition.accuracy_param.top_k} must be at most {scores[axis]}, the classes")
        return [(), (scores[axis],)][: len(self.definition.top)]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        options, scores = self.definition.accuracy_param, bottoms[0]
        axis = self.axis(options.axis, tuple(scores.shape))
        classes = scores.shape[axis]
        rows, labels = scores.movedim(axis, -1).reshape(-1, classes), bottoms[1].reshape(-1).long()
        if options.HasField("ignore_label"):
            counted = labels != options.ignore_label
            rows, labels = rows[counted], labels[counted]
        if labels.numel() and not (int(labels.min()) >= 0 and int(labels.max()) < classes):
            span = f"[{int(labels.min())}, {int(labels.max())}]"
            raise self.fail(f"labels lie in {span}, and {classes} classes take 0 to {classes - 1}")
        others = (rows >= rows.gather(1, labels[:, None])).sum(1) - 1
        right = (others < options.top_k).to(scores.dtype)
        accuracy = right.sum() / max(1, len(labels))
        if len(self.definition.top) == 1:
            return [accuracy]
        by_class = torch.zeros(2, classes, dtype=scores.dtype, device=scores.device)
        by_class[0].index_add_(0, labels, right)
        by_class[1].index_add_(0, labels, torch.ones_like(right))
        return [accuracy, by_class[0] / by_class[1].clamp(min=1)]

    def backward(self, context: Context, now: Pass) -> Gradients:
        raise self.fail("has no gradient")
