"""InfogainLoss: the softmax loss with a matrix of class weights for each label."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Context, Gradients, Pass, Shape, register
from ..proto import pb, read_blobproto
from .loss import LOG_THRESHOLD, Loss


@register("InfogainLoss")
class InfogainLoss(Loss):
    """y = -sum over positions and classes of H[label, class] * log softmax(x)[class], over the normalizer.

    Bottoms: scores (*outer, K, *inner) with the K classes along `axis`; one label per (outer, inner) position; and H,
    of K * K numbers, unless given by a `source` file.
    Tops: the loss; optionally the probabilities.
    """

    bottoms = (2, 3)
    tops = (1, 2)
    no_gradient = (1, 2)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options = definition.infogain_loss_param
        if definition.loss_param.HasField("normalize"):
            raise self.fail("normalize is not for this layer; use normalization")
        self.matrix: Tensor | None = None
        if len(definition.bottom) < 3:
            if not self.options.source:
                raise self.fail("give H as a third bottom, or its file as infogain_loss_param.source")
            self.matrix = torch.from_numpy(read_blobproto(self.options.source))

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        scores, labels = tuple(bottom_shapes[0]), tuple(bottom_shapes[1])
        axis = self.axis(self.options.axis, scores)
        if math.prod(scores) != math.prod(labels) * scores[axis]:
            raise self.fail(f"scores of shape {scores} need a label for each place, and the labels have shape {labels}")
        given = math.prod(bottom_shapes[2]) if self.matrix is None else self.matrix.numel()
        if given != scores[axis] ** 2:
            raise self.fail(f"H has {given} numbers, and {scores[axis]} classes need {scores[axis] ** 2}")
        return [*super().top_shapes(bottom_shapes), scores][: len(self.definition.top)]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        scores = bottoms[0]
        axis = self.axis(self.options.axis, tuple(scores.shape))
        probability = torch.softmax(scores, axis)
        context.state["probability"] = probability.detach()
        weight, valid = self._weights(bottoms, axis)
        log_probability = probability.movedim(axis, -1).reshape(weight.shape).clamp(min=LOG_THRESHOLD).log()
        loss = -(weight * log_probability).sum() / self.normalizer(valid, math.prod(scores.shape[:axis]))
        return [loss, probability][: len(self.definition.top)]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dx = weight / normalizer * (probability * sum of H's row of the label - that row).

        The second top is the memory of Caffe's probabilities: what stands there now counts.
        """
        nothing: list[Tensor | None] = [None] * len(now.bottoms)
        if not now.needs.bottoms[0]:
            return nothing, []
        scores = now.bottoms[0]
        axis = self.axis(self.options.axis, tuple(scores.shape))
        weight, valid = self._weights(now.bottoms, axis)
        probability = now.tops[1] if len(now.tops) > 1 else self.kept(context, "probability")
        probability = probability.movedim(axis, -1)
        dx = probability.reshape(weight.shape) * weight.sum(1, keepdim=True) - weight
        dx *= now.top_diffs[0] / self.normalizer(valid, math.prod(scores.shape[:axis]))
        return [dx.view(probability.shape).movedim(-1, axis), *nothing[1:]], []

    def _weights(self, bottoms: Sequence[Tensor], axis: int) -> tuple[Tensor, Tensor]:
        """Return H's row for each position, (positions, K), zero for ignored labels, and a mask of counted ones."""
        classes = bottoms[0].shape[axis]
        matrix = bottoms[2].detach() if self.matrix is None else self.matrix.to(bottoms[0])
        index, valid = self.labels(bottoms[1], classes)
        return matrix.reshape(classes, classes)[index] * valid[:, None], valid
