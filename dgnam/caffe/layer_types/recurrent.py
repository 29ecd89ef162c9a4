"""RNN and LSTM: recurrent layers over sequences.

Bottoms: x (T, N, …), T steps of N independent streams; cont (T, N), 0 at the first step of a sequence and 1 elsewhere;
optionally a static input (N, …), constant over steps; with `expose_hidden`, the initial states, each (1, N, D).
Tops: the outputs (T, N, D), D = num_output; with `expose_hidden`, the final states.
Without `expose_hidden` a pass starts from the final state of the previous one, initially zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..layer import Context, Gradients, Layer, ParamBlob, Pass, Shape, register
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
        inputs = bottoms[0].flatten(2) @ params[0].t() + params[1]
        if self.static:
            inputs = inputs + bottoms[2].flatten(1) @ params[2].t()
        first = self._first_state(context, bottoms)
        context.state["inputs"], context.state["first"] = inputs.detach(), [s.detach().clone() for s in first]
        outputs, state = self._unroll(inputs, first, bottoms[1], params[2 + self.static :])
        context.state["last"] = [s.detach() for s in state]
        return [torch.stack(outputs), *[s.unsqueeze(0) for s in state[: self.exposed]]]

    def backward(self, context: Context, now: Pass) -> Gradients:
        """Differentiate by autograd a repetition of the steps from what forward fed them, for all parameters at once.

        Caffe's exposed states are memory of the first and the last step, and so is the output of one step only: what
        stands there now, such as what a layer in place has made of it, is what the gradients derive from.
        """
        own = 2 + self.static
        first = [s.clone() for s in self.kept(context, "first")]
        inputs = self.kept(context, "inputs").detach().requires_grad_()
        params = [p.detach().requires_grad_() for p in now.params[own:]]
        with torch.enable_grad():
            outputs, state = self._unroll(inputs, first, now.bottoms[1], params)
            output = torch.stack(outputs)
        shared = [*zip(first, now.bottoms[own:], strict=False), *zip(state, now.tops[1:], strict=False)]
        if len(outputs) == 1:
            shared.append((outputs[0], now.tops[0]))
        for value, blob in shared:
            value.data.copy_(blob[0])
        wanted = [inputs, *params] if context.param_gradients else [inputs]
        d_inputs, *grads = torch.autograd.grad(output, wanted, now.top_diffs[0])
        each, total, x = d_inputs.flatten(0, 1), d_inputs.sum(0), now.bottoms[0]
        bottom_diffs = [(each @ now.params[0]).view(x.shape), *[None] * (len(now.bottoms) - 1)]
        if self.static:
            bottom_diffs[2] = (total @ now.params[2]).view(now.bottoms[2].shape)
        if not context.param_gradients:
            return bottom_diffs, [None] * len(now.params)
        fed = [each.t() @ x.flatten(2).flatten(0, 1), total.sum(0)]
        if self.static:
            fed.append(total.t() @ now.bottoms[2].flatten(1))
        return bottom_diffs, [*fed, *grads]

    def _unroll(
        self, inputs: Tensor, state: list[Tensor], cont: Tensor, params: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return the steps' outputs and the last state from all steps' inputs (T, N, gates * D)."""
        outputs = []
        for t in range(len(inputs)):
            output, state = self._step(inputs[t], state, cont[t, :, None], params)
            outputs.append(output)
        return outputs, state

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
    recalls = True

    def _first_state(self, context: Context, bottoms: Sequence[Tensor]) -> list[Tensor]:
        """With one step, Caffe's top is the memory of h, so that what has been written there since is the last h."""
        hidden, cell = super()._first_state(context, bottoms)
        tops = context.state.pop("tops", None)
        if tops is not None and len(bottoms[0]) == 1 and not self.exposed:
            hidden = tops[0][0]
        return [hidden, cell]

    def _step(
        self, inputs: Tensor, state: list[Tensor], cont: Tensor, params: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        hidden, cell = state
        cell, hidden = _Unit.apply(cell, inputs + (cont * hidden) @ params[0].t(), cont)
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
        cell, gates, cont = bottoms
        return list(_Unit.apply(cell, gates, cont.unsqueeze(-1)))

    def backward(self, context: Context, now: Pass) -> Gradients:
        """Return the gradients of both c' and the gates if either is requested, from c as it is now."""
        if not any(now.needs.bottoms):
            return [None] * 3, []
        (cell, gates, cont), (dc, dh) = now.bottoms, now.top_diffs
        return [*_unit_gradients(cell, gates, cont.unsqueeze(-1), now.tops[0], dc, dh), None], []


class _Unit(torch.autograd.Function):
    """c = cont f c' + i g and h = o tanh(c), with i, f, o sigmoids and g the tanh of the gates."""

    @staticmethod
    def forward(ctx: Any, cell: Tensor, gates: Tensor, cont: Tensor) -> tuple[Tensor, Tensor]:
        i, f, o, g = _opened(gates, cont)
        c = f * cell + i * g
        ctx.save_for_backward(cell, gates, cont, c)
        return c, o * torch.tanh(c)

    @staticmethod
    def backward(ctx: Any, dc: Tensor, dh: Tensor) -> tuple[Tensor, Tensor, None]:
        cell, gates, cont, c = ctx.saved_tensors
        return *_unit_gradients(cell, gates, cont, c, dc, dh), None


def _opened(gates: Tensor, cont: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return i, cont f, o and g."""
    i, f, o, g = gates.chunk(4, dim=-1)
    forget = torch.where(cont == 0, 0, cont * torch.sigmoid(f))
    return torch.sigmoid(i), forget, torch.sigmoid(o), torch.tanh(g)


def _unit_gradients(
    cell: Tensor, gates: Tensor, cont: Tensor, c: Tensor, dc: Tensor, dh: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the gradients of c' and the gates; that of cont f is as if cont were 0 or 1 only."""
    i, f, o, g = _opened(gates, cont)
    y = torch.tanh(c)
    dc = dc + dh * o * (1 - y * y)
    d_gates = [dc * g * i * (1 - i), dc * cell * f * (1 - f), dh * y * o * (1 - o), dc * i * (1 - g * g)]
    return dc * f, torch.cat(d_gates, -1)
