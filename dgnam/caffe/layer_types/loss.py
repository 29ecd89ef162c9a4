"""The base of the losses: a scalar top, labels without gradient, and normalization."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Layer, Shape
from ..proto import pb

TINY = torch.finfo(torch.float32).tiny
"""The lower bound of probabilities in SoftmaxWithLoss's logarithm."""

LOG_THRESHOLD = 1e-20
"""The lower bound of probabilities in other losses' logarithms."""


class Loss(Layer):
    """Bottoms: predictions and labels, with one first axis.  Top: the loss, a scalar."""

    bottoms = (2, 2)
    auto_tops = True
    loss = True
    no_gradient: tuple[int, ...] = (1,)
    unforced: tuple[int, ...] = (1,)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        data, labels = tuple(bottom_shapes[0]), tuple(bottom_shapes[1])
        if not data or data[:1] != labels[:1]:
            raise self.fail(f"its first two bottoms must have one first axis; got shapes {data} and {labels}")
        return [()]

    def labels(self, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
        """Return the flat labels as indices, and a mask of those counted; labels equal to `ignore_label` become 0."""
        index = labels.detach().reshape(-1).long()
        valid = torch.ones_like(index, dtype=torch.bool)
        if self.definition.loss_param.HasField("ignore_label"):
            valid = index != self.definition.loss_param.ignore_label
        counted = index[valid]
        if counted.numel() and not (int(counted.min()) >= 0 and int(counted.max()) < classes):
            span = f"[{int(counted.min())}, {int(counted.max())}]"
            raise self.fail(f"labels lie in {span}, and {classes} classes take 0 to {classes - 1}")
        return torch.where(valid, index, 0), valid

    def normalizer(self, valid: Tensor, outer: int, default: int = pb.LossParameter.VALID) -> float:
        """Return the divisor of the sum: all positions (FULL), counted ones (VALID), BATCH_SIZE or 1 (NONE)."""
        options = self.definition.loss_param
        mode = options.normalization if options.HasField("normalization") else default
        if options.HasField("normalize") and not options.HasField("normalization"):
            mode = pb.LossParameter.VALID if options.normalize else pb.LossParameter.BATCH_SIZE
        counts: dict[int, int] = {
            pb.LossParameter.FULL: valid.numel(),
            pb.LossParameter.VALID: int(valid.sum()),
            pb.LossParameter.BATCH_SIZE: outer,
            pb.LossParameter.NONE: 1,
        }
        return float(max(1, counts[mode]))
