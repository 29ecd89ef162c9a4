"""InnerProduct: the fully connected layer.

Shapes: bottom (*outer, *inner) split before `axis`, top (*outer, num_output); weight (num_output, K), or
(K, num_output) where transposed, with K the product of the inner axes; bias (num_output,).
"""

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from ..layer import Context, Gradients, Layer, ParamBlob, Pass, Shape, register
from ..proto import pb
from ..syncedmem import Product


@register("InnerProduct")
class InnerProduct(Layer):
    """y = W x + b."""

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options = definition.inner_product_param
        if self.options.num_output < 1:
            raise self.fail("num_output must be positive")

    def param_blobs(self, bottom_shapes: Sequence[Shape]) -> list[ParamBlob]:
        options, shape = self.options, bottom_shapes[0]
        inner = math.prod(shape[self.axis(options.axis, shape) :])
        weight = (inner, options.num_output) if options.transpose else (options.num_output, inner)
        blobs = [ParamBlob(weight, options.weight_filler)]
        if options.bias_term:
            blobs.append(ParamBlob((options.num_output,), options.bias_filler))
        return blobs

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        shape = bottom_shapes[0]
        return [(*shape[: self.axis(self.options.axis, shape)], self.options.num_output)]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        x = bottoms[0]
        weight = params[0].t() if self.options.transpose else params[0]
        y = F.linear(self._rows(x), weight, params[1] if len(params) > 1 else None)
        return [y.reshape(self.top_shapes([tuple(x.shape)])[0])]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dx = W' dy, dW = dy x', db = sum of dy.

        Written out to save the forward pass that autograd would repeat, and to leave dW unformed.
        """
        x = now.bottoms[0]
        dy = now.top_diffs[0].reshape(-1, self.options.num_output)
        dx = (dy @ self._matrix(now.params[0]).t()).reshape(x.shape) if now.needs.bottoms[0] else None
        param_diffs: list[Tensor | Product | None] = [None] * len(now.params)
        if now.needs.params[0]:
            rows = self._rows(x)
            param_diffs[0] = Product(rows, dy) if self.options.transpose else Product(dy, rows)
        if len(now.params) > 1 and now.needs.params[1]:
            param_diffs[1] = dy.sum(0)
        return [dx], param_diffs

    def _rows(self, x: Tensor) -> Tensor:
        axis = self.axis(self.options.axis, tuple(x.shape))
        return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))

    def _matrix(self, weight: Tensor) -> Tensor:
        """(K, num_output), whichever way the weight is stored."""
        return weight if self.options.transpose else weight.t()
