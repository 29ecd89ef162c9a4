"""RNN and LSTM: recurrent layers over sequences.

Bottoms: x (T, N, …), T steps of N independent streams; cont (T, N), 0 at the first step of a sequence and 1 elsewhere;
optionally a static input (N, …), constant over steps; with `expose_hidden`, the initial states, each (1, N, D).
Tops: the outputs (T, N, D), D = num_output; with `expose_hidden`, the final states.
Without `expose_hidden` a pass starts from the final state of the previous one, initially zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..layer import Context, Gradients, Layer, Needs, ParamBlob, Pass, Shape, register
from ..proto import pb


class Recurrent(Layer):
    """Unrolls `_step` over the sequence; a subclass defines the step and its parameters.

    Gradients do not flow between batches or through exposed states.
    """

    bottoms = (2, None)
    tops = (1, None)
    no_gradient = (1,)
    unforced = (1,)
    states: ClassVar[int] = 1
    gates: ClassVar[int] = 1

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options = definition.recurrent_param
        self.exposed = self.states if self.options.expose_hidden else 0
        self.static = len(definition.bottom) > 2 + self.exposed
        self.always = (0, 2) if self.static else (0,)
        if self.options.num_output < 1:
            raise self.fail("num_output must be positive")
        self._check_count("bottom", len(definition.bottom), (2 + self.exposed, 3 + self.exposed))
        self._check_count("top", len(definition.top), (1 + self.exposed, 1 + self.exposed))

    def param_blobs(self, bottom_shapes: Sequence[Shape]) -> list[ParamBlob]:
        """Return the weights of x, the bias, the weights of the static input and of the state, then `_more_blobs`."""
        rows, weight = self.gates * self.options.num_output, self.options.weight_filler
        blobs = [
            ParamBlob((rows, math.prod(bottom_shapes[0][2:])), weight),
            ParamBlob((rows,), self.options.bias_filler),
        ]
        if self.static:
            blobs.append(ParamBlob((rows, math.prod(bottom_shapes[2][1:])), weight))
        return [*blobs, ParamBlob((rows, self.options.num_output), weight), *self._more_blobs()]

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        x, cont = tuple(bottom_shapes[0]), tuple(bottom_shapes[1])
        if len(x) < 3 or cont != x[:2]:
            raise self.fail(f"takes x of shape (T, N, …) and cont of shape (T, N); got {x} and {cont}")
        if self.static and (len(bottom_shapes[2]) < 2 or bottom_shapes[2][0] != x[1]):
            raise self.fail(f"its static input must be of shape ({x[1]}, …); got {tuple(bottom_shapes[2])}")
        state = (1, x[1], self.options.num_output)
        for given in bottom_shapes[len(bottom_shapes) - self.exposed :]:
            if tuple(given) != state:
                raise self.fail(f"its states must have shape {state}; got {tuple(given)}")
        return [(x[0], x[1], self.options.num_output), *[state] * self.exposed]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        x, cont = bottoms[0], bottoms[1]
        state = self._first_state(context, bottoms)
        if not self.exposed:
            context.state["first"] = [s.detach() for s in state]
        inputs = x.flatten(2) @ params[0].t() + params[1]
        if self.static:
            inputs = inputs + bottoms[2].flatten(1) @ params[2].t()
        outputs = []
        for t in range(len(x)):
            output, state = self._step(inputs[t], state, cont[t, :, None], params[2 + self.static :])
            outputs.append(output)
        if not self.exposed:
            context.state["last"] = [s.detach() for s in state]
        return [torch.stack(outputs), *[s.unsqueeze(0) for s in state[: self.exposed]]]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """Differentiate by autograd a repetition of the pass from its initial state, for all parameters at once."""
        if not self.exposed:
            context.state["last"] = self.kept(context, "first")
        diffs = [now.top_diffs[0], *[torch.zeros_like(d) for d in now.top_diffs[1:]]]
        reached = len(now.bottoms) - self.exposed
        needs = Needs(
            [need and i < reached for i, need in enumerate(now.needs.bottoms)],
            [context.param_gradients] * len(now.params),
        )
        return super().backward(context, replace(now, top_diffs=diffs, needs=needs))

    def _first_state(self, context: Context, bottoms: Sequence[Tensor]) -> list[Tensor]:
        if self.exposed:
            return [b[0] for b in bottoms[len(bottoms) - self.exposed :]]
        shape = (bottoms[0].shape[1], self.options.num_output)
        last = context.state.get("last")
        if last is None or len(last[0]) < shape[0]:
            return [bottoms[0].new_zeros(shape)] * self.states
        return [state[: shape[0]] for state in last]

    def _more_blobs(self) -> list[ParamBlob]:
        return []

    def _step(
        self, inputs: Tensor, state: list[Tensor], cont: Tensor, params: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the output and the next state from one step's inputs (N, gates * D) and `cont` (N, 1)."""
        raise NotImplementedError(self.type)


@register("RNN")
class RNN(Recurrent):
    """h = tanh(W_xh x + b_h + W_hh h'), with h' the last h or zero; y = tanh(W_ho h + b_o)."""

    def _more_blobs(self) -> list[ParamBlob]:
        size = self.options.num_output
        return [ParamBlob((size, size), self.options.weight_filler), ParamBlob((size,), self.options.bias_filler)]

    def _step(
        self, inputs: Tensor, state: list[Tensor], cont: Tensor, params: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        hidden = torch.tanh(inputs + (cont * state[0]) @ params[0].t())
        return torch.tanh(hidden @ params[1].t() + params[2]), [hidden]


@register("LSTM")
class LSTM(Recurrent):
    """The gates (i, f, o, g) are W_xc x + b_c + W_hc h', with h' the last h or zero; the rest is LSTMUnit."""

    states = 2
    gates = 4

    def _step(
        self, inputs: Tensor, state: list[Tensor], cont: Tensor, params: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        hidden, cell = state
        cell, hidden = lstm_unit(cell, inputs + (cont * hidden) @ params[0].t(), cont)
        return hidden, [hidden, cell]


@register("LSTMUnit")
class LSTMUnit(Layer):
    """One step of an LSTM.  Bottoms: c' (1, N, D), the gates (1, N, 4 D), cont (1, N); tops: c and h, (1, N, D)."""

    bottoms = (3, 3)
    tops = (2, 2)
    no_gradient = (2,)
    unforced = (2,)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        cell, gates, cont = (tuple(s) for s in bottom_shapes)
        if len(cell) != 3 or gates != (1, cell[1], 4 * cell[2]) or cont != (1, cell[1]):
            raise self.fail(f"takes shapes (1, N, D), (1, N, 4 D) and (1, N); got {cell}, {gates} and {cont}")
        return [cell, cell]

    def forward(self, context: Context, bottoms: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
        return list(lstm_unit(bottoms[0], bottoms[1], bottoms[2].unsqueeze(-1)))

    def backward(self, context: Context, now: Pass) -> Gradients:
        """Return the gradients of both c' and the gates if either is requested."""
        wanted = any(now.needs.bottoms)
        return super().backward(context, replace(now, needs=Needs([wanted, wanted, False], [])))


def lstm_unit(cell: Tensor, gates: Tensor, cont: Tensor) -> tuple[Tensor, Tensor]:
    """c = cont f c' + i g and h = o tanh(c), with i, f, o sigmoids and g the tanh of the gates."""
    i, f, o, g = gates.chunk(4, dim=-1)
    forget: Tensor = _Forget.apply(f, cont)
    cell = forget * cell + torch.sigmoid(i) * torch.tanh(g)
    return cell, torch.sigmoid(o) * torch.tanh(cell)


class _Forget(torch.autograd.Function):
    """y = cont sigmoid(f), 0 where cont is; its gradient is dy y (1 - y), as if cont were 0 or 1 only."""

    @staticmethod
    def forward(ctx: Any, f: Tensor, cont: Tensor) -> Tensor:
        y = torch.where(cont == 0, 0, cont * torch.sigmoid(f))
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None]:
        (y,) = ctx.saved_tensors
        return dy * y * (1 - y), None
