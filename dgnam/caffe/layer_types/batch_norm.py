"""BatchNorm: normalizes each channel to mean 0 and variance 1; a Scale layer has the learned scale and shift.

Parameters: running sums of the mean (C,) and variance (C,), and their divisor (1,).
TEST, or use_global_stats, uses the running statistics.  Otherwise the batch's statistics are used, and added to the
sums after a decay by moving_average_fraction.
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
    always = (0,)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options = definition.batch_norm_param
        if any(spec.lr_mult for spec in definition.param):
            raise self.fail("its parameters are statistics; give them lr_mult: 0, or leave their param entries out")

    def param_blobs(self, bottom_shapes: Sequence[Shape]) -> list[ParamBlob]:
        channels = self._checked(bottom_shapes[0])[1]
        zero = pb.FillerParameter(type="constant", value=0)
        return [ParamBlob((channels,), zero), ParamBlob((channels,), zero), ParamBlob((1,), zero)]

    def written(self) -> pb.LayerParameter:
        """Add a learning rate of 0 for each statistic, as required by Caffe."""
        definition = super().written()
        while len(definition.param) < 3:
            definition.param.add(lr_mult=0)
        return definition

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        return [self._checked(bottom_shapes[0])]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        x, view = bottoms[0], self._view(bottoms[0])
        if self._global(context):
            mean, var = self._running(params)
            context.state["std"] = std = torch.sqrt(var + self.options.eps).view(view)
            return [(x - mean.view(view)) / std]
        # The mean goes first: torch's own way to subtract it loses digits where it is large beside the deviation.
        mean = x.mean(self._axes(x), keepdim=True)
        rest, var = torch.zeros_like(params[0]), torch.zeros_like(params[1])
        # With a momentum of 1 the running variance, divided by m - 1, is the batch's own.
        y, _, inverse_std = torch.native_batch_norm(x - mean, None, None, rest, var, True, 1.0, self.options.eps)
        self._accumulate(params, mean.detach().view_as(rest), var if x.numel() > var.numel() else torch.zeros_like(var))
        context.state["normalized"], context.state["inverse_std"] = y.detach(), inverse_std.detach().view(view)
        return [y]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """Use values kept by forward: the layer may run in place, and a second pass would count the batch twice."""
        nothing: list[Tensor | None] = [None] * len(now.params)
        if not now.needs.bottoms[0]:
            return [None], nothing
        dy = now.top_diffs[0]
        if self._global(context):
            return [dy / self.kept(context, "std")], nothing
        y, inverse_std, axes = self.kept(context, "normalized"), self.kept(context, "inverse_std"), self._axes(dy)
        count = y.numel() // inverse_std.numel()
        removed = (dy * y).sum(axes, keepdim=True) * y + dy.sum(axes, keepdim=True)
        return [(dy - removed / count) * inverse_std], nothing

    def _global(self, context: Context) -> bool:
        if self.options.HasField("use_global_stats"):
            return bool(self.options.use_global_stats)
        return not context.training

    def _running(self, params: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the running mean and variance; initially zero."""
        scale = torch.where(params[2] == 0, torch.zeros_like(params[2]), 1 / params[2])
        return params[0] * scale, params[1] * scale

    def _accumulate(self, params: Sequence[Tensor], mean: Tensor, variance: Tensor) -> None:
        with torch.no_grad():
            for total, seen in zip(params, (mean, variance, torch.ones_like(params[2])), strict=True):
                total.mul_(self.options.moving_average_fraction).add_(seen)

    @staticmethod
    def _axes(x: Tensor) -> list[int]:
        """Return all axes but the channel axis."""
        return [0, *range(2, x.dim())]

    @staticmethod
    def _view(x: Tensor) -> list[int]:
        """Return the shape that broadcasts a number per channel over `x`."""
        return [1, -1] + [1] * (x.dim() - 2)

    def _checked(self, shape: Shape) -> Shape:
        if len(shape) < 2:
            raise self.fail(f"takes a bottom of 2 axes (N, C) or more; got shape {tuple(shape)}")
        return tuple(shape)
