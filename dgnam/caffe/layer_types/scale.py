"""Scale and Bias: multiplication by a factor, and addition of a bias, learned or given by a second bottom.

Shapes: bottom (*before, *scaled, *after) with the factor's shape `scaled` starting at `axis`; as a parameter it spans
`num_axes` axes (-1 for all that follow), as a second bottom it has any shape.  Scale's bias has the factor's shape.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor

from ..layer import Context, Gradients, Layer, ParamBlob, Pass, Shape, register
from ..proto import pb


class Broadcast(Layer):
    """A layer with an operand that is broadcast over the bottom from `axis` on."""

    bottoms = (1, 2)
    option_name: ClassVar[str]

    @property
    def _extent(self) -> tuple[int, int]:
        """The options axis and num_axes."""
        options = getattr(self.definition, self.option_name)
        return options.axis, options.num_axes

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        shape, operand = tuple(bottom_shapes[0]), self._operand_shape(bottom_shapes)
        axis = self._axis(shape, operand)
        if shape[axis : axis + len(operand)] != operand:
            raise self.fail(f"an operand of shape {operand} doesn't fit a bottom of shape {shape} at axis {axis}")
        return [shape]

    def _operand_shape(self, bottom_shapes: Sequence[Shape]) -> Shape:
        if len(bottom_shapes) > 1:
            return tuple(bottom_shapes[1])
        shape = tuple(bottom_shapes[0])
        first, count = self._extent
        axis = self.axis(first, shape)
        if count < -1 or (count != -1 and axis + count > len(shape)):
            raise self.fail(f"num_axes {count} from axis {axis} doesn't fit a bottom of shape {shape}")
        return shape[axis:] if count == -1 else shape[axis : axis + count]

    def _axis(self, shape: Shape, operand: Shape) -> int:
        """Return the first axis; 0 for a scalar, as in Caffe."""
        return self.axis(self._extent[0], shape) if operand else 0

    def _aligned(self, operand: Tensor, x: Tensor) -> Tensor:
        """Return the operand with trailing axes of 1, to broadcast over `x`."""
        axis = self._axis(tuple(x.shape), tuple(operand.shape))
        return operand.reshape(*operand.shape, *[1] * (x.dim() - axis - operand.dim()))

    def _summed(self, grad: Tensor, operand: Tensor) -> Tensor:
        """Sum `grad`, of the bottom's shape, over the axes along which the operand was broadcast."""
        return grad.sum_to_size(self._aligned(operand, grad).shape).reshape(operand.shape)


@register("Scale")
class Scale(Broadcast):
    """y = x * factor + bias, the factor broadcast from `axis` on.

    Two peculiarities of Caffe's backward pass: the gradient of a factor with the bottom's count, or broadcast only over
    axes after it, is overwritten instead of accumulated; and if the bottom's gradient is not requested, the bottom's
    diff holds dy x, the unsummed gradient of the factor.
    """

    option_name = "scale_param"

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options = definition.scale_param

    def param_blobs(self, bottom_shapes: Sequence[Shape]) -> list[ParamBlob]:
        options, blobs = self.options, []
        shape = self._operand_shape(bottom_shapes)
        if len(bottom_shapes) == 1:
            one = pb.FillerParameter(type="constant", value=1)
            blobs.append(ParamBlob(shape, options.filler if options.HasField("filler") else one))
        if options.bias_term:
            blobs.append(ParamBlob(shape, options.bias_filler))
        return blobs

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        x, operands = bottoms[0], [*bottoms[1:], *params]
        if self.in_place and (context.param_gradients or len(bottoms) > 1):
            context.state["bottom"] = x.detach().clone()
        factor = self._aligned(operands[0], x)
        # Two steps, as Caffe takes, round otherwise than one.
        return [x * factor if len(operands) == 1 else (x * factor).add_(self._aligned(operands[1], x))]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dx = dy factor, dfactor = sum of dy x, dbias = sum of dy; in place, with the x that forward set aside."""
        dy = now.top_diffs[0]
        operands = [*now.bottoms[1:], *now.params]
        wanted = [*now.needs.bottoms[1:], *now.needs.params]
        grads: list[Tensor | None] = [dy * self._aligned(operands[0], dy) if now.needs.bottoms[0] else None]
        if wanted[0]:
            x = self.kept(context, "bottom") if self.in_place else now.bottoms[0]
            product = dy * x
            grads.append(self._summed(product, operands[0]))
            if grads[0] is None and not self.in_place and x.numel() != operands[0].numel():
                grads[0] = product
        else:
            grads.append(None)
        if len(operands) > 1:
            grads.append(self._summed(dy, operands[1]) if wanted[1] else None)
        return grads[: len(now.bottoms)], grads[len(now.bottoms) :]

    def overwritten(self, now: Pass) -> tuple[int, ...]:
        if len(now.bottoms) > 1:
            return ()
        x, factor = now.bottoms[0], now.params[0]
        outer = math.prod(x.shape[: self._axis(tuple(x.shape), tuple(factor.shape))])
        alone = outer == 1 and factor.numel() > 1
        return (0,) if x.numel() == factor.numel() or alone else ()


@register("Bias")
class Bias(Broadcast):
    """y = x + bias, the bias broadcast from `axis` on."""

    option_name = "bias_param"

    def param_blobs(self, bottom_shapes: Sequence[Shape]) -> list[ParamBlob]:
        if len(bottom_shapes) > 1:
            return []
        return [ParamBlob(self._operand_shape(bottom_shapes), self.definition.bias_param.filler)]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        bias = [*bottoms[1:], *params][0]
        return [bottoms[0] + self._aligned(bias, bottoms[0])]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """dx = dy, dbias = sum of dy."""
        dy, bias = now.top_diffs[0], [*now.bottoms[1:], *now.params][0]
        dbias = self._summed(dy, bias) if [*now.needs.bottoms[1:], *now.needs.params][0] else None
        grads = [dy if now.needs.bottoms[0] else None, dbias]
        return grads[: len(now.bottoms)], grads[len(now.bottoms) :]
