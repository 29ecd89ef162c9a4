"""Parameter: a learned blob as a top, for use by other layers."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..layer import Context, Gradients, Layer, ParamBlob, Pass, Shape, register
from ..proto import pb


@register("Parameter")
class Parameter(Layer):
    """The top is the parameter, in the shape given by the prototxt, and shares its gradient.

    They share memory, so gradients of several passes don't accumulate.
    """

    bottoms = (0, 0)
    shares = "both"

    def param_blobs(self, bottom_shapes: Sequence[Shape]) -> list[ParamBlob]:
        return [ParamBlob(self.top_shapes([])[0], pb.FillerParameter(type="constant", value=0))]

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        return [tuple(self.definition.parameter_param.shape.dim)]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        return [params[0]]

    def backward(self, context: Context, now: Pass) -> Gradients:
        return [], [now.top_diffs[0] if now.needs.params[0] else None]
