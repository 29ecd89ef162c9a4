"""Caffe's learning-rate policies and update rules, on torch tensors.

Rates and constants are rounded to float32 wherever Caffe rounds them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ...errors import CaffeError, closest
from ..proto import pb


def learning_rate(solver: pb.SolverParameter, iteration: int, current_step: int | None = None) -> float:
    """Return the learning rate at `iteration` (from 0) under the solver's `lr_policy`, rounded to float32.

    current_step: the number of steps taken by "multistep"; None counts the values of `stepvalue` reached.

    A negative gamma is an error except for "sigmoid", which decays only then; Caffe rejects it even there.
    """
    policy = solver.lr_policy
    if policy not in _POLICIES:
        raise CaffeError(f"unknown lr_policy '{policy}'; known ones: {closest(policy, _POLICIES)}")
    for option in {"step": ("stepsize",), "poly": ("max_iter",)}.get(policy, ()):
        if getattr(solver, option) < 1:
            raise CaffeError(f"lr_policy '{policy}' needs a positive {option}")
    if policy in ("step", "exp", "inv", "multistep") and solver.gamma < 0:
        raise CaffeError(f"lr_policy '{policy}' needs a non-negative gamma; it is {solver.gamma:g}")
    if policy == "poly" and iteration > solver.max_iter:
        raise CaffeError(f"lr_policy 'poly' ends at max_iter {solver.max_iter}, before iteration {iteration}")
    step = lr_step(solver, iteration) if current_step is None else current_step
    return _float32(solver.base_lr * _POLICIES[policy](solver, iteration, step))


def lr_step(solver: pb.SolverParameter, iteration: int, before: int | None = None) -> int:
    """Return the number of steps taken by "step" and "multistep" at `iteration`; 0 for other policies.

    before: the number at the previous iteration: "multistep" then advances by at most one, as in Caffe.
    """
    if solver.lr_policy == "step" and solver.stepsize > 0:
        return iteration // solver.stepsize
    if solver.lr_policy != "multistep":
        return 0 if before is None else before
    if before is None:
        return sum(iteration >= value for value in solver.stepvalue)
    return before + (before < len(solver.stepvalue) and iteration >= solver.stepvalue[before])


def _float32(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def _power(base: float, exponent: float) -> float:
    """Return `base` to the power `exponent`; infinite beyond float64's range, NaN if not real."""
    with np.errstate(all="ignore"):
        return float(np.power(np.float64(base), np.float64(exponent)))


def _inverse(solver: pb.SolverParameter, iteration: int) -> float:
    return _float32(_power(_float32(1 + _float32(solver.gamma * iteration)), -solver.power))


def _polynomial(solver: pb.SolverParameter, iteration: int) -> float:
    return _float32(_power(_float32(1 - _float32(iteration / solver.max_iter)), solver.power))


def _sigmoid(solver: pb.SolverParameter, iteration: int) -> float:
    with np.errstate(over="ignore"):
        exponential = np.exp(np.float64(_float32(-solver.gamma * (iteration - solver.stepsize))))
    return _float32(1 / _float32(1 + _float32(exponential)))


_POLICIES: dict[str, Callable[[pb.SolverParameter, int, int], float]] = {
    "fixed": lambda solver, i, step: 1.0,
    "step": lambda solver, i, step: _power(solver.gamma, step),
    "exp": lambda solver, i, step: _power(solver.gamma, i),
    "inv": lambda solver, i, step: _inverse(solver, i),
    "multistep": lambda solver, i, step: _power(solver.gamma, step),
    "poly": lambda solver, i, step: _polynomial(solver, i),
    "sigmoid": lambda solver, i, step: _sigmoid(solver, i),
}


@dataclass
class ParamGroup:
    """Parameters with their multipliers of learning rate and weight decay."""

    params: Sequence[Tensor]
    lr_mults: Sequence[float]
    decay_mults: Sequence[float]


@dataclass
class Updater:
    """One of Caffe's update rules over a list of parameters, with its history.

    solver: provides `type`, momenta, decay, clipping, `iter_size` and `delta`; each step takes its learning rate.
    history: the rule's memory, in the order of Caffe's solverstate; part of a checkpoint.
    """

    solver: pb.SolverParameter
    group: ParamGroup
    history: list[Tensor] = field(default_factory=list)
    iteration: int = 0

    def __post_init__(self) -> None:
        solver = self.solver
        check_rule(solver.type)
        if solver.regularization_type not in _REGULARIZATIONS:
            raise _unknown_regularization(solver)
        if not self.history:
            self.history = [torch.zeros_like(p) for _ in range(history_copies(solver.type)) for p in self.group.params]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update every parameter with a `.grad`, the sum over `iter_size` batches.

        Weight decay is added to `.grad` in place.
        """
        solver, group, count = self.solver, self.group, len(self.group.params)
        scale = clip_scale(solver, [p.grad for p in group.params if p.grad is not None]) / solver.iter_size
        for k, param in enumerate(group.params):
            if param.grad is None or group.lr_mults[k] == 0:
                continue
            grad = param.grad if scale == 1 else param.grad * scale
            grad = regularized(solver, param, grad, group.decay_mults[k])
            local = local_rate(rate, group.lr_mults[k])
            param.sub_(update_value(solver.type, solver, grad, self.history[k::count], local, self.iteration + 1))
        self.iteration += 1


def check_rule(kind: str) -> None:
    """Raise CaffeError if `kind` is not a solver type."""
    if kind not in _RULES:
        raise CaffeError(f"unknown solver type '{kind}'; known ones: {closest(kind, _RULES)}")


def history_copies(kind: str) -> int:
    """Return the number of history tensors per parameter."""
    return 2 if kind in ("Adam", "AdaDelta") else 1


def clip_scale(solver: pb.SolverParameter, grads: Sequence[Tensor]) -> float:
    """Return the factor that limits the joint norm of all gradients to `clip_gradients`."""
    limit = solver.clip_gradients
    if limit < 0 or not grads:
        return 1.0
    norm = gradient_norm(grads)
    return _float32(limit / norm) if norm > limit else 1.0


def gradient_norm(grads: Sequence[Tensor]) -> float:
    """Return the joint Euclidean norm."""
    return math.sqrt(float(torch.stack([g.square().sum() for g in grads]).sum()))


def local_rate(rate: float, lr_mult: float) -> float:
    """Return the learning rate of one parameter."""
    return _float32(rate * lr_mult)


def regularized(solver: pb.SolverParameter, param: Tensor, grad: Tensor, decay_mult: float) -> Tensor:
    """Add the gradient of the weight decay in place: `param` for L2, its sign for L1."""
    decay = _float32(solver.weight_decay * decay_mult)
    if not decay:
        return grad
    if solver.regularization_type not in _REGULARIZATIONS:
        raise _unknown_regularization(solver)
    return grad.add_(_REGULARIZATIONS[solver.regularization_type](param), alpha=decay)


def update_value(
    kind: str, solver: pb.SolverParameter, grad: Tensor, history: Sequence[Tensor], rate: float, t: int
) -> Tensor:
    """Return the value that the rule of solver type `kind` subtracts from a parameter with gradient `grad`.

    history: the rule's memory for this parameter, updated in place; the result may be one of its tensors.
    rate: the parameter's learning rate.
    t: the number of this step, from 1.
    """
    return _RULES[kind](solver, grad, history, rate, t)


_REGULARIZATIONS: dict[str, Callable[[Tensor], Tensor]] = {"L1": torch.sign, "L2": lambda param: param}


def _unknown_regularization(solver: pb.SolverParameter) -> CaffeError:
    return CaffeError(f"unknown regularization_type '{solver.regularization_type}'; known ones: L1, L2")


def _sgd(solver: pb.SolverParameter, g: Tensor, history: Sequence[Tensor], rate: float, t: int) -> Tensor:
    """v = momentum v + rate g; w -= v."""
    return history[0].mul_(solver.momentum).add_(g, alpha=rate)


def _nesterov(solver: pb.SolverParameter, g: Tensor, history: Sequence[Tensor], rate: float, t: int) -> Tensor:
    """v' = momentum v + rate g; w -= (1 + momentum) v' - momentum v."""
    back = history[0] * -solver.momentum
    history[0].mul_(solver.momentum).add_(g, alpha=rate)
    return back.add_(history[0], alpha=1 + solver.momentum)


def _adagrad(solver: pb.SolverParameter, g: Tensor, history: Sequence[Tensor], rate: float, t: int) -> Tensor:
    """h = h + g^2; w -= rate g / (sqrt(h) + delta)."""
    history[0].addcmul_(g, g)
    return (g / history[0].sqrt().add_(solver.delta)).mul_(rate)


def _rmsprop(solver: pb.SolverParameter, g: Tensor, history: Sequence[Tensor], rate: float, t: int) -> Tensor:
    """h = rms_decay h + (1 - rms_decay) g^2; w -= rate g / (sqrt(h) + delta)."""
    history[0].mul_(solver.rms_decay).addcmul_(g, g, value=1 - solver.rms_decay)
    return (g / history[0].sqrt().add_(solver.delta)).mul_(rate)


def _adadelta(solver: pb.SolverParameter, g: Tensor, history: Sequence[Tensor], rate: float, t: int) -> Tensor:
    """h and u are running means of g^2 and of d^2, with d = g sqrt((u + delta) / (h + delta)); w -= rate d."""
    h, u = history
    h.mul_(solver.momentum).addcmul_(g, g, value=1 - solver.momentum)
    d = g * ((u + solver.delta) / (h + solver.delta)).sqrt_()
    u.mul_(solver.momentum).addcmul_(d, d, value=1 - solver.momentum)
    return d.mul_(rate)


def _adam(solver: pb.SolverParameter, g: Tensor, history: Sequence[Tensor], rate: float, t: int) -> Tensor:
    """m and v are running means of g and g^2; w -= rate sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + delta)."""
    m, v = history
    m.mul_(solver.momentum).add_(g, alpha=1 - solver.momentum)
    v.mul_(solver.momentum2).addcmul_(g, g, value=1 - solver.momentum2)
    correction = _float32(math.sqrt(1 - solver.momentum2**t) / (1 - solver.momentum**t))
    return (m / v.sqrt().add_(solver.delta)).mul_(_float32(rate * correction))


_RULES: dict[str, Callable[[pb.SolverParameter, Tensor, Sequence[Tensor], float, int], Tensor]] = {
    "SGD": _sgd,
    "Nesterov": _nesterov,
    "AdaGrad": _adagrad,
    "RMSProp": _rmsprop,
    "AdaDelta": _adadelta,
    "Adam": _adam,
}
