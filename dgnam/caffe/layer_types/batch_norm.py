"""BatchNorm: each channel to mean 0 and variance 1; the learned scale and shift are a Scale layer's.

Parameters: running sums of mean (C,) and variance (C,), and the number (1,) that both are to be divided by.
In TEST, or with use_global_stats, those are used; else the batch's own, which are then added to the sums after these
have decayed by moving_average_fraction.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Context, Gradients, Layer, ParamBlob, Pass, Shape, register
from ..proto import pb


@register("BatchNorm")
class BatchNorm(Layer):
    """y = (x - mean) / sqrt(variance + eps), per channel of axis 1."""

    statistics = True

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options = definition.batch_norm_param
        if any(spec.lr_mult for spec in definition.param if spec.HasField("lr_mult")):
            raise self.fail("its parameters are statistics; give them lr_mult: 0 or none")

    def param_blobs(self, bottom_shapes: Sequence[Shape]) -> list[ParamBlob]:
        shape = bottom_shapes[0]
        channels = shape[1] if len(shape) > 1 else 1
        zero = pb.FillerParameter(type="constant", value=0)
        return [ParamBlob((channels,), zero), ParamBlob((channels,), zero), ParamBlob((1,), zero)]

    def written(self) -> pb.LayerParameter:
        """With a learning rate of 0 for each statistic: Caffe refuses to read another one."""
        definition = super().written()
        while len(definition.param) < 3:
            definition.param.add(lr_mult=0)
        return definition

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        x = bottoms[0]
        if self._global(context):
            mean, var = self._running(params)
            return [
                torch.native_batch_norm(self._rows(x), None, None, mean, var, False, 0.0, self.options.eps)[0].view_as(
                    x
                )
            ]
        y, mean, inverse_std = torch.native_batch_norm(
            self._rows(x), None, None, None, None, True, 0.0, self.options.eps
        )
        self._accumulate(params, mean.detach(), inverse_std.detach(), x.numel() // mean.numel())
        context.state["normalized"], context.state["inverse_std"] = y.detach(), inverse_std.detach()
        return [y.view_as(x)]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """From what forward kept, since the layer may run in place, and a second pass would count the batch twice."""
        nothing: list[Tensor | None] = [None] * len(now.params)
        if not now.needs.bottoms[0]:
            return [None], nothing
        dy = self._rows(now.top_diffs[0])
        view = [1, -1] + [1] * (dy.dim() - 2)
        if self._global(context):
            _, var = self._running(now.params)
            return [(dy / torch.sqrt(var + self.options.eps).view(view)).view_as(now.top_diffs[0])], nothing
        y, inverse_std = self.kept(context, "normalized"), self.kept(context, "inverse_std")
        axes = [0, *range(2, dy.dim())]
        centred = dy - dy.mean(axes, keepdim=True) - y * (dy * y).mean(axes, keepdim=True)
        return [(centred * inverse_std.view(view)).view_as(now.top_diffs[0])], nothing

    def _global(self, context: Context) -> bool:
        if self.options.HasField("use_global_stats"):
            return bool(self.options.use_global_stats)
        return not context.training

    def _running(self, params: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Mean and variance over what has been seen; zero where nothing has."""
        scale = torch.where(params[2] == 0, torch.zeros_like(params[2]), 1 / params[2])
        return params[0] * scale, params[1] * scale

    def _accumulate(self, params: Sequence[Tensor], mean: Tensor, inverse_std: Tensor, count: int) -> None:
        unbiased = count / (count - 1) if count > 1 else 1.0
        variance = (inverse_std**-2 - self.options.eps) * unbiased
        with torch.no_grad():
            for total, seen in zip(params, (mean, variance, torch.ones_like(params[2])), strict=True):
                total.mul_(self.options.moving_average_fraction).add_(seen)

    @staticmethod
    def _rows(x: Tensor) -> Tensor:
        """The bottom with an axis of channels: one value to a row has a single channel."""
        return x if x.dim() > 1 else x.unsqueeze(1)
