"""Caffe's learning-rate policies and update rules, on torch tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .errors import CaffeError, closest
from .proto import pb


def learning_rate(solver: pb.SolverParameter, iteration: int) -> float:
    """The rate at `iteration` (0 for the first) under the solver's `lr_policy`."""
    if solver.lr_policy not in _POLICIES:
        raise CaffeError(f"unknown lr_policy '{solver.lr_policy}'; known ones: {closest(solver.lr_policy, _POLICIES)}")
    for option in {"step": ("stepsize",), "poly": ("max_iter",)}.get(solver.lr_policy, ()):
        if getattr(solver, option) < 1:
            raise CaffeError(f"lr_policy '{solver.lr_policy}' needs a positive {option}")
    if solver.lr_policy == "poly" and iteration > solver.max_iter:
        raise CaffeError(f"lr_policy 'poly' ends at max_iter {solver.max_iter}, before iteration {iteration}")
    return solver.base_lr * _POLICIES[solver.lr_policy](solver, iteration)


def _steps(solver: pb.SolverParameter, iteration: int) -> float:
    return solver.gamma ** (iteration // solver.stepsize)


def _multistep(solver: pb.SolverParameter, iteration: int) -> float:
    return solver.gamma ** sum(iteration >= value for value in solver.stepvalue)


_POLICIES: dict[str, Callable[[pb.SolverParameter, int], float]] = {
    "fixed": lambda solver, i: 1.0,
    "step": _steps,
    "exp": lambda solver, i: solver.gamma**i,
    "inv": lambda solver, i: (1 + solver.gamma * i) ** -solver.power,
    "multistep": _multistep,
    "poly": lambda solver, i: (1 - i / solver.max_iter) ** solver.power,
    "sigmoid": lambda solver, i: float(torch.tensor(solver.gamma * (i - solver.stepsize)).double().sigmoid()),
}


@dataclass
class ParamGroup:
    """Parameters with their multipliers of rate and decay."""

    params: Sequence[Tensor]
    lr_mults: Sequence[float]
    decay_mults: Sequence[float]


@dataclass
class Updater:
    """One of Caffe's update rules over a list of parameters, with its history.

    solver: its `type`, momenta, decay, clipping, `iter_size` and `delta` are used; the rate is given with each step.
    history: the rule's memory, in the order of Caffe's solverstate; part of a checkpoint.
    """

    solver: pb.SolverParameter
    group: ParamGroup
    history: list[Tensor] = field(default_factory=list)
    iteration: int = 0

    def __post_init__(self) -> None:
        solver = self.solver
        if solver.type not in _RULES:
            raise CaffeError(f"unknown solver type '{solver.type}'; known ones: {closest(solver.type, _RULES)}")
        if solver.regularization_type not in ("L1", "L2"):
            raise CaffeError(f"unknown regularization_type '{solver.regularization_type}'; known ones: L1, L2")
        copies = 2 if solver.type in ("Adam", "AdaDelta") else 1
        if not self.history:
            self.history = [torch.zeros_like(p) for _ in range(copies) for p in self.group.params]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move every parameter by its `.grad`, the sum over `iter_size` batches; those without one stay."""
        group, count = self.group, len(self.group.params)
        scale = self._clip_scale() / self.solver.iter_size
        rule = _RULES[self.solver.type]
        for k, param in enumerate(group.params):
            if param.grad is None or group.lr_mults[k] == 0:
                continue
            grad = param.grad if scale == 1 else param.grad * scale
            grad = self._regularised(param, grad, self.solver.weight_decay * group.decay_mults[k])
            rule(self.solver, param, grad, self.history[k::count], rate * group.lr_mults[k], self.iteration + 1)
        self.iteration += 1

    def _clip_scale(self) -> float:
        """What all gradients are multiplied by, so that their common norm is at most `clip_gradients`."""
        limit = self.solver.clip_gradients
        if limit < 0:
            return 1.0
        squares = [p.grad.square().sum() for p in self.group.params if p.grad is not None]
        norm = math.sqrt(float(torch.stack(squares).sum())) if squares else 0.0
        return limit / norm if norm > limit else 1.0

    def _regularised(self, param: Tensor, grad: Tensor, decay: float) -> Tensor:
        if not decay:
            return grad
        return grad.add(param.sign() if self.solver.regularization_type == "L1" else param, alpha=decay)


def _sgd(solver: pb.SolverParameter, w: Tensor, g: Tensor, history: Sequence[Tensor], rate: float, t: int) -> None:
    """v = momentum v + rate g; w -= v."""
    history[0].mul_(solver.momentum).add_(g, alpha=rate)
    w.sub_(history[0])


def _nesterov(solver: pb.SolverParameter, w: Tensor, g: Tensor, history: Sequence[Tensor], rate: float, t: int) -> None:
    """v' = momentum v + rate g; w -= (1 + momentum) v' - momentum v."""
    w.add_(history[0], alpha=solver.momentum)
    history[0].mul_(solver.momentum).add_(g, alpha=rate)
    w.sub_(history[0], alpha=1 + solver.momentum)


def _adagrad(solver: pb.SolverParameter, w: Tensor, g: Tensor, history: Sequence[Tensor], rate: float, t: int) -> None:
    """h = h + g^2; w -= rate g / (sqrt(h) + delta)."""
    history[0].addcmul_(g, g)
    w.addcdiv_(g, history[0].sqrt().add_(solver.delta), value=-rate)


def _rmsprop(solver: pb.SolverParameter, w: Tensor, g: Tensor, history: Sequence[Tensor], rate: float, t: int) -> None:
    """h = rms_decay h + (1 - rms_decay) g^2; w -= rate g / (sqrt(h) + delta)."""
    history[0].mul_(solver.rms_decay).addcmul_(g, g, value=1 - solver.rms_decay)
    w.addcdiv_(g, history[0].sqrt().add_(solver.delta), value=-rate)


def _adadelta(solver: pb.SolverParameter, w: Tensor, g: Tensor, history: Sequence[Tensor], rate: float, t: int) -> None:
    """h and u are running means of g^2 and of d^2, with d = g sqrt((u + delta) / (h + delta)); w -= rate d."""
    h, u = history
    h.mul_(solver.momentum).addcmul_(g, g, value=1 - solver.momentum)
    d = g * ((u + solver.delta) / (h + solver.delta)).sqrt_()
    u.mul_(solver.momentum).addcmul_(d, d, value=1 - solver.momentum)
    w.sub_(d, alpha=rate)


def _adam(solver: pb.SolverParameter, w: Tensor, g: Tensor, history: Sequence[Tensor], rate: float, t: int) -> None:
    """m and v are running means of g and g^2; w -= rate sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + delta)."""
    m, v = history
    m.mul_(solver.momentum).add_(g, alpha=1 - solver.momentum)
    v.mul_(solver.momentum2).addcmul_(g, g, value=1 - solver.momentum2)
    correction = math.sqrt(1 - solver.momentum2**t) / (1 - solver.momentum**t)
    w.addcdiv_(m, v.sqrt().add_(solver.delta), value=-rate * correction)


_RULES: dict[str, Callable[[pb.SolverParameter, Tensor, Tensor, Sequence[Tensor], float, int], None]] = {
    "SGD": _sgd,
    "Nesterov": _nesterov,
    "AdaGrad": _adagrad,
    "RMSProp": _rmsprop,
    "AdaDelta": _adadelta,
    "Adam": _adam,
}
