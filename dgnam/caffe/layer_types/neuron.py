"""The elementwise layers: one bottom, one top of the same shape; most may run in place.

In place, the top's data have replaced the bottom's in the backward pass, so each gradient is a function of the top, or
of values kept by the forward pass.  The bottom's diff is then the top's too: Power and Log, as in Caffe, first write
the slope there and then multiply it by itself instead of dy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..layer import Context, Gradients, Layer, Pass, register
from ..proto import pb


class Neuron(Layer):
    """y = f(x), elementwise; a subclass defines f and its gradient from top diff, top and bottom."""

    def function(self, context: Context, x: Tensor) -> Tensor:
        raise NotImplementedError(self.type)

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        raise NotImplementedError(self.type)

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        return [self.function(context, bottoms[0])]

    def backward(self, context: Context, now: Pass) -> Gradients:
        return [
            self.gradient(context, now.top_diffs[0], now.tops[0], now.bottoms[0]) if now.needs.bottoms[0] else None
        ], []


@register("ReLU")
class ReLU(Neuron):
    """y = max(x, 0) + negative_slope * min(x, 0); the gradient at 0 is the negative side's.

    At NaN it is too, where Caffe's is 0, and a slope of 0 makes 0 of -inf, where Caffe makes NaN.
    """

    def function(self, context: Context, x: Tensor) -> Tensor:
        slope = self.definition.relu_param.negative_slope
        if context.overwrite:
            return F.leaky_relu_(x, slope) if slope else F.relu_(x)
        return F.leaky_relu(x, slope) if slope else F.relu(x)

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        slope = self.definition.relu_param.negative_slope
        if context.overwrite:
            return torch.ops.aten.leaky_relu_backward.grad_input(dy, x, slope, False, grad_input=dy)
        return torch.ops.aten.leaky_relu_backward(dy, x, slope, False)


@register("TanH")
class TanH(Neuron):
    """y = tanh(x)."""

    def function(self, context: Context, x: Tensor) -> Tensor:
        return torch.tanh(x)

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        return dy * (1 - y * y)


@register("Sigmoid")
class Sigmoid(Neuron):
    """y = 1 / (1 + exp(-x))."""

    def function(self, context: Context, x: Tensor) -> Tensor:
        return torch.sigmoid(x)

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        return dy * y * (1 - y)


@register("Power")
class Power(Neuron):
    """y = (shift + scale * x) ** power."""

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        options = definition.power_param
        self.power, self.scale, self.shift = options.power, options.scale, options.shift

    def function(self, context: Context, x: Tensor) -> Tensor:
        if self.power * self.scale == 0:
            return torch.full_like(x, 1.0 if self.power == 0 else _power(self.shift, self.power))
        inner = _scaled(x, self.scale, self.shift)
        return inner if self.power == 1 else inner**self.power

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        """Through the top but for squares, as in Caffe: scale * power * y / (shift + scale * x); in place, squared."""
        if self.power * self.scale == 0:
            return torch.zeros_like(dy)
        slope = self._slope(y, x)
        return slope * slope if self.in_place else slope * dy

    def _slope(self, y: Tensor, x: Tensor) -> Tensor:
        slope = self.power * self.scale
        if self.power == 1:
            return torch.full_like(x, slope)
        if self.power == 2:
            return slope * self.scale * x + slope * self.shift
        return y / x * self.power if self.shift == 0 else y / _scaled(x, self.scale, self.shift) * slope


@register("Dropout")
class Dropout(Neuron):
    """In TRAIN y = x * mask / (1 - dropout_ratio), a mask of 0 with that probability; in TEST y = x."""

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.ratio = definition.dropout_param.dropout_ratio

    def function(self, context: Context, x: Tensor) -> Tensor:
        if not context.training:
            return x
        if not 0 <= self.ratio < 1:
            raise self.fail(f"dropout_ratio {self.ratio} must be at least 0 and below 1")
        keep = torch.empty_like(x).bernoulli_(1 - self.ratio, generator=context.generator)
        context.state["mask"] = keep.div_(1 - self.ratio)
        return x * context.state["mask"]

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        return dy * self.kept(context, "mask") if context.training else dy


@register("AbsVal")
class AbsVal(Neuron):
    """y = |x|; the gradient at 0 is 0."""

    takes_in_place = False

    def function(self, context: Context, x: Tensor) -> Tensor:
        return x.abs()

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        return dy * x.sign()


@register("BNLL")
class BNLL(Neuron):
    """y = log(1 + exp(x)), the binomial normal log likelihood."""

    def function(self, context: Context, x: Tensor) -> Tensor:
        return x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        return dy * torch.sigmoid(x)


@register("Clip")
class Clip(Neuron):
    """y = x within [min, max], else the nearer bound; the gradient at the bounds is 1."""

    def function(self, context: Context, x: Tensor) -> Tensor:
        return x.clamp(max=self.definition.clip_param.max).clamp(min=self.definition.clip_param.min)

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        options = self.definition.clip_param
        return dy * ((x >= options.min) & (x <= options.max))


@register("ELU")
class ELU(Neuron):
    """y = x where positive, else alpha * (exp(x) - 1)."""

    def function(self, context: Context, x: Tensor) -> Tensor:
        return x.clamp(min=0) + self.definition.elu_param.alpha * (torch.exp(x.clamp(max=0)) - 1)

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        return torch.where(x > 0, dy, dy * (self.definition.elu_param.alpha + y))


@register("Exp")
class Exp(Neuron):
    """y = base ** (shift + scale * x); base -1 stands for e."""

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        options = definition.exp_param
        log_base = _log_of_base(self, options.base)
        self.inner = _single(log_base * options.scale)
        self.outer = _single(_power(math.e if options.base == -1 else options.base, options.shift))

    def function(self, context: Context, x: Tensor) -> Tensor:
        return torch.exp(x * self.inner) * self.outer

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        return dy * y * self.inner


@register("Log")
class Log(Neuron):
    """y = log of (shift + scale * x) to the base; base -1 stands for e."""

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        options = definition.log_param
        self.scale, self.shift = options.scale, options.shift
        self.log_base = _log_of_base(self, options.base)
        if self.log_base == 0:
            raise self.fail("there is no logarithm to base 1")

    def function(self, context: Context, x: Tensor) -> Tensor:
        return torch.log(_scaled(x, self.scale, self.shift)) * _single(1 / self.log_base)

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        slope = 1 / _scaled(x, self.scale, self.shift) * _single(self.scale / self.log_base)
        return slope * slope if self.in_place else slope * dy


@register("Swish")
class Swish(Neuron):
    """y = x * sigmoid(beta * x)."""

    def function(self, context: Context, x: Tensor) -> Tensor:
        context.state["sigmoid"] = gate = torch.sigmoid(self.definition.swish_param.beta * x)
        return x * gate

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        inner = self.definition.swish_param.beta * y
        return dy * (inner + self.kept(context, "sigmoid") * (1 - inner))


@register("Threshold")
class Threshold(Neuron):
    """y = 1 where x > threshold, else 0."""

    def function(self, context: Context, x: Tensor) -> Tensor:
        return (x > self.definition.threshold_param.threshold).to(x.dtype)

    def gradient(self, context: Context, dy: Tensor, y: Tensor, x: Tensor) -> Tensor:
        raise self.fail("has no gradient")


def _scaled(x: Tensor, scale: float, shift: float) -> Tensor:
    """x * scale + shift; a shift of 0 is left out, as it would make -0 a +0."""
    scaled = x if scale == 1 else x * scale
    return scaled if shift == 0 else scaled + shift


def _log_of_base(layer: Layer, base: float) -> float:
    if base != -1 and not 0 < base < math.inf:
        raise layer.fail(f"base {base} must be positive, or -1 for e")
    return 1.0 if base == -1 else _single(math.log(base))


def _single(value: float) -> float:
    """`value` rounded to float32, in which Caffe computes its constants."""
    return float(np.float32(value))


def _power(base: float, exponent: float) -> float:
    """base ** exponent as C has it: infinite or not a number where Python raises an error."""
    with np.errstate(all="ignore"):
        return float(np.float64(base) ** np.float64(exponent))
