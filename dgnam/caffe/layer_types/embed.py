"""Embed: a learned vector for each integer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Context, Gradients, Layer, ParamBlob, Pass, Shape, register
from ..proto import pb


@register("Embed")
class Embed(Layer):
    """Bottom: numbers from 0 to input_dim - 1, of any shape; top (*shape, num_output).

    Weight (input_dim, num_output), a row per integer; bias (num_output,).
    """

    no_gradient = (0,)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options = definition.embed_param
        if self.options.num_output < 1 or self.options.input_dim < 1:
            raise self.fail("num_output and input_dim must be positive")

    def param_blobs(self, bottom_shapes: Sequence[Shape]) -> list[ParamBlob]:
        options = self.options
        blobs = [ParamBlob((options.input_dim, options.num_output), options.weight_filler)]
        if options.bias_term:
            blobs.append(ParamBlob((options.num_output,), options.bias_filler))
        return blobs

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        return [(*bottom_shapes[0], self.options.num_output)]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        y = params[0][self._index(bottoms[0])]
        return [y + params[1] if len(params) > 1 else y]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dW = sum of dy over each row's occurrences, db = sum of dy."""
        dy = now.top_diffs[0].reshape(-1, self.options.num_output)
        grads: list[Tensor | None] = [None] * len(now.params)
        if now.needs.params[0]:
            grads[0] = torch.zeros_like(now.params[0]).index_add_(0, self._index(now.bottoms[0]).reshape(-1), dy)
        if len(now.params) > 1 and now.needs.params[1]:
            grads[1] = dy.sum(0)
        return [None], grads

    def _index(self, x: Tensor) -> Tensor:
        index = x.detach().long()
        if torch.compiler.is_compiling():  # there are no numbers yet to check
            return index
        if index.numel() and not (int(index.min()) >= 0 and int(index.max()) < self.options.input_dim):
            raise self.fail(
                f"its bottom's numbers lie in [{int(index.min())}, {int(index.max())}], and input_dim "
                f"{self.options.input_dim} takes 0 to {self.options.input_dim - 1}"
            )
        return index
