"""pycaffe's solvers: training by Caffe's algorithms.

    solver = SGDSolver("solver.prototxt")
    solver.net.copy_from("pretrained.caffemodel")
    solver.step(100)
    solver.snapshot()

One iteration, in Caffe's order: zero the gradients; run due tests; `on_start`; `iter_size` forward and backward passes;
display; `on_gradients_ready`; update the weights, leaving the update in their diffs; write a due snapshot.

Of parallel solvers (`parallel.py`) only rank 0 displays, tests and takes snapshots.

Training resumed from a snapshot is bit-identical to uninterrupted training, including random layers, except for data
layers, which restart at their first record, as in Caffe.
"""

from __future__ import annotations

import enum
import operator
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, overload

import numpy as np
import torch

from ..errors import ArgumentError, CaffeError, CaffeFormatError, closest
from ..files.paths import StrPath
from . import mode, parallel
from .blob import Blob
from .glog import LOGGER, number
from .net import Net
from .proto import pb, read_solver, to_text
from .proto.upgrade import upgrade_solver
from .solving.checks import check, check_prefix
from .solving.nets import test_nets, train_net
from .solving.smoothed_loss import SmoothedLoss
from .solving.state import SolverState, learned_net_file, read_state, write_state
from .solving.updates import (
    clip_scale,
    gradient_norm,
    history_copies,
    learning_rate,
    local_rate,
    lr_step,
    regularized,
    update_value,
)
from .syncedmem import HOST
from .wiring.debug_info import DebugInfo
from .wiring.outputs import output_lines, output_values
from .wiring.vectors import NetVec

_FORMATS = {pb.SolverParameter.BINARYPROTO: "", pb.SolverParameter.HDF5: ".h5"}


class SolverAction(enum.Enum):
    """Actions that can be requested from a solver between iterations."""

    NONE = "none"
    STOP = "stop"
    SNAPSHOT = "snapshot"


class Solver:
    """Base of the solvers; the class determines the update rule and overrides the definition's `type`, as in pycaffe.

    param: the prototxt, with paths relative to the working directory; or its definition.
    source: the name of a definition without a file, for errors and the log.

    net: the training net.
    test_nets: the test nets; from its first test on, each shares the memory of `net`'s weights.
    param: the definition; fields such as `base_lr` and `max_iter` may be changed between steps.
    """

    type: ClassVar[str] = ""

    def __init__(self, param: StrPath | pb.SolverParameter, *, source: str = "the solver"):
        if not self.type:
            raise CaffeError(f"Solver has no update rule; use one of {', '.join(s.__name__ for s in _SOLVERS)}")
        self.param, self._source = _definition(param, source)
        LOGGER.info("Initializing solver from parameters: \n%s", to_text(self.param))
        check(self.param, self.type, self._source)
        if self.param.snapshot and parallel.is_root_solver():
            check_prefix(self.param, self._source)
        if self.param.random_seed >= 0:
            mode.set_random_seed((self.param.random_seed + parallel.solver_rank()) % 2**32)
        self.net: Net = train_net(self.param, self._source)
        self.test_nets = NetVec(test_nets(self.param, self._source))
        self._debug = DebugInfo(self.net)
        for net in self.test_nets:
            DebugInfo(net).on = self.param.debug_info
        params = self.net.learnable_params
        self._history = [Blob(*param.shape) for _ in range(history_copies(self.type)) for param in params]
        self._callbacks: list[tuple[Callable[[], Any], Callable[[], Any]]] = []
        self._asked: Callable[[], SolverAction] = lambda: SolverAction.NONE
        self._iter = 0
        self._current_step = 0
        self._stopping = False
        self._losses = SmoothedLoss(self.param.average_loss)
        self._shown_at = 0
        LOGGER.info("Solver scaffolding done.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self._source}', iter={self._iter})"

    @property
    def iter(self) -> int:
        """The number of completed iterations."""
        return self._iter

    @property
    def lr(self) -> float:
        """The learning rate of the next update."""
        step = lr_step(self.param, self._iter, self._current_step)
        return learning_rate(self.param, self._iter, step)

    @overload
    def add_callback(self, on_start: Callable[[], Any], on_gradients_ready: Callable[[], Any]) -> None: ...
    @overload
    def add_callback(self, on_start: parallel.NCCL) -> None: ...
    def add_callback(self, on_start: Any, on_gradients_ready: Any = None) -> None:
        """Call `on_start` before each iteration's passes, and `on_gradients_ready` before its update.

        An `NCCL` alone, a stub here, does nothing.
        """
        if isinstance(on_start, parallel.NCCL):
            return
        if not (callable(on_start) and callable(on_gradients_ready)):
            raise ArgumentError(
                f"add_callback takes two functions, on_start and on_gradients_ready, or an NCCL; got {on_start!r} and "
                f"{on_gradients_ready!r}"
            )
        self._callbacks.append((on_start, on_gradients_ready))

    def set_action_function(self, asked: Callable[[], SolverAction]) -> None:
        """Call `asked` after each iteration and each test batch, and perform the action it returns."""
        self._asked = asked

    def share_weights(self, net: Net) -> None:
        """Share the memory of this solver's weights with `net`, for all layers with matching names."""
        net.share_with(self.net)

    # Training.

    def solve(self, resume_file: StrPath | None = None) -> None:
        """Train up to `max_iter`, optionally from the state in `resume_file`, then display and test once more."""
        self._check_root("solve")
        if self.param.snapshot_after_train and self.param.HasField("snapshot_prefix"):
            check_prefix(self.param, self._source)  # rather than lose the weights at the end, as Caffe does
        LOGGER.info("Solving %s", self.net.name)
        LOGGER.info("Learning Rate Policy: %s", self.param.lr_policy)
        self._stopping = False
        if resume_file is not None:
            LOGGER.info("Restoring previous solver status from %s", resume_file)
            self.restore(resume_file)
        start = self._iter
        self.step(self.param.max_iter - self._iter)
        if self.param.snapshot_after_train and not self._due(self.param.snapshot):
            self.snapshot()
        if self._stopping:
            LOGGER.info("Optimization stopped early.")
            return
        if self._due(self.param.display):
            loss = self._losses.add(self.net._forward(0, len(self.net.layers) - 1), self._iter - start)
            LOGGER.info("Iteration %d, loss = %s", self._iter, number(loss))
        if self._due(self.param.test_interval):
            self._test_all()
        LOGGER.info("Optimization Done.")

    def step(self, iters: int) -> None:
        """Train for `iters` iterations."""
        start, iters = self._iter, operator.index(iters)
        self._losses = SmoothedLoss(self.param.average_loss)
        timer = time.perf_counter()
        while self._iter < start + iters:
            self.net.clear_param_diffs()
            if self._due(self.param.test_interval) and (self._iter > 0 or self.param.test_initialization):
                if parallel.is_root_solver():
                    self._test_all()
                if self._stopping:
                    break
            for on_start, _ in self._callbacks:
                on_start()
            shown = self._due(self.param.display) and parallel.is_root_solver()
            self._debug.on = shown and self.param.debug_info
            loss = self._losses.add(self._forward_backward(), self._iter - start)
            if shown:
                self._show(loss, time.perf_counter() - timer)
                timer = time.perf_counter()
            for _, on_gradients_ready in self._callbacks:
                on_gradients_ready()
            self.apply_update()
            asked = self._asked()
            if (self._due(self.param.snapshot) and parallel.is_root_solver()) or asked is SolverAction.SNAPSHOT:
                self.snapshot()
            if asked is SolverAction.STOP:
                self._stopping = True
                break

    @torch.no_grad()
    def apply_update(self) -> None:
        """Update the weights from the current gradients, leaving the update in their diffs, and count the iteration."""
        step = lr_step(self.param, self._iter, self._current_step)
        if self.param.lr_policy == "multistep" and step != self._current_step:
            LOGGER.info("MultiStep Status: Iteration %d, step = %d", self._iter, step)
        self._current_step = step
        rate = learning_rate(self.param, self._iter, self._current_step)
        if self._due(self.param.display) and parallel.is_root_solver():
            LOGGER.info("Iteration %d, lr = %s", self._iter, number(rate))
        self._clip()
        device = mode.current_device()
        blobs = self.net.learnable_params
        for k, (blob, param) in enumerate(zip(blobs, self.net.plan.params, strict=True)):
            data, diff = blob.data_on(device, mutable=True), blob.diff_on(device, mutable=True)
            if self.param.iter_size != 1:
                diff.mul_(1 / self.param.iter_size)
            grad = regularized(self.param, data, diff, param.decay_mult)
            history = [memory.data_on(device, mutable=True).view_as(data) for memory in self._history[k :: len(blobs)]]
            local = local_rate(rate, param.lr_mult)
            diff.copy_(update_value(self.type, self.param, grad, history, local, self._iter + 1))
            data.sub_(diff)
        self._iter += 1

    def _forward_backward(self) -> float:
        """Run forward and backward passes over `iter_size` batches; returns their mean loss."""
        loss, last = 0.0, len(self.net.layers) - 1
        for _ in range(self.param.iter_size):
            loss += self.net._forward(0, last)
            self.net._backward(last, 0)
            self._debug.gradients()
        return loss / self.param.iter_size

    def _clip(self) -> None:
        """Scale all gradients so that their joint norm is at most `clip_gradients`."""
        if self.param.clip_gradients < 0:
            return
        device = mode.current_device()
        diffs = [blob.diff_on(device, mutable=True) for blob in self.net.learnable_params]
        scale = clip_scale(self.param, diffs)
        if scale != 1:
            LOGGER.info(
                "Gradient clipping: scaling down gradients (L2 norm %s > %s) by scale factor %s",
                *map(number, (gradient_norm(diffs), self.param.clip_gradients, scale)),
            )
            for diff in diffs:
                diff.mul_(scale)

    def _due(self, interval: int) -> bool:
        return interval > 0 and self._iter % interval == 0

    def _show(self, loss: float, seconds: float) -> None:
        """Log the loss and each of the training net's outputs."""
        rate = (self._iter - self._shown_at) / (seconds if seconds else 1)
        LOGGER.info(
            "Iteration %d (%s iter/s, %ss/%d iters), loss = %s",
            *(self._iter, number(rate), number(seconds), self.param.display, number(loss)),
        )
        self._shown_at = self._iter
        for i, line in enumerate(output_lines(self.net, output_values(self.net))):
            LOGGER.info("    Train net output #%d: %s", i, line)

    # Testing.

    def _test_all(self) -> None:
        for index in range(len(self.test_nets)):
            if not self._stopping:
                self._test(index)

    @np.errstate(all="ignore")
    def _test(self, index: int) -> None:
        """Log the outputs of a test net, averaged over its `test_iter` batches."""
        LOGGER.info("Iteration %d, Testing net (#%d)", self._iter, index)
        net, count = self.test_nets[index], self.param.test_iter[index]
        net.share_with(self.net)
        loss, scores = 0.0, np.zeros(0, np.float32)
        for i in range(count):
            self._obey()
            if self._stopping:
                LOGGER.info("Test interrupted.")
                return
            loss += net._forward(0, len(net.layers) - 1)
            scores = output_values(net) if i == 0 else scores + output_values(net)
        if self.param.test_compute_loss and count > 0:
            LOGGER.info("Test loss: %s", number(loss / count))
        if count > 0:
            for i, line in enumerate(output_lines(net, scores / np.float32(count))):
                LOGGER.info("    Test net output #%d: %s", i, line)

    def _obey(self) -> None:
        """Perform all pending actions."""
        while (asked := self._asked()) is not SolverAction.NONE:
            if asked is SolverAction.SNAPSHOT:
                self.snapshot()
            else:
                self._stopping = True

    # Snapshots.

    def snapshot(self) -> None:
        """Write the weights and the solver's state to `<snapshot_prefix>_iter_<iter>` with Caffe's extensions."""
        self._check_root("snapshot")
        kind = "HDF5" if self.param.snapshot_format == pb.SolverParameter.HDF5 else "binary proto"
        end = _FORMATS[self.param.snapshot_format]
        model, state = self._file(f".caffemodel{end}"), self._file(f".solverstate{end}")
        LOGGER.info("Snapshotting to %s file %s", kind, model)
        self.net.save(model, diffs=self.param.snapshot_diff)
        LOGGER.info("Snapshotting solver state to %s file %s", kind, state)
        history = [memory.data_on(HOST).numpy() for memory in self._history]
        write_state(state, SolverState(self._iter, model, self._current_step, history, mode.random_states()))

    def restore(self, state_file: StrPath) -> None:
        """Restore a snapshot's iteration, weights, history and, if stored, random state.

        Raises FormatError, before changing the weights, if the state is damaged or of another type of solver.
        """
        state = read_state(state_file)
        self._check_history(state_file, state)
        weights = learned_net_file(state_file, state)
        if weights and not Path(weights).exists():
            raise CaffeFormatError(f"{state_file}: its weights are missing: {weights}")
        try:
            mode.set_random_states(state.random)
        except (RuntimeError, TypeError) as error:
            raise CaffeFormatError(f"{state_file}: its random state is damaged: {error}") from None
        if weights:
            self.net.copy_from(weights)
        for memory, array in zip(self._history, state.history, strict=True):
            memory.data_on(HOST, mutable=True).copy_(torch.from_numpy(array.reshape(memory.shape)))
        self._iter, self._current_step = state.iteration, state.current_step

    def _file(self, ending: str) -> str:
        return f"{self.param.snapshot_prefix}_iter_{self._iter}{ending}"

    def _check_history(self, state_file: StrPath, state: SolverState) -> None:
        if len(state.history) != len(self._history):
            raise CaffeFormatError(
                f"{state_file}: holds {len(state.history)} history blobs; a {self.type} solver of net "
                f"'{self.net.name}' has {len(self._history)}. Is it of another net or another type of solver?"
            )
        for i, (memory, array) in enumerate(zip(self._history, state.history, strict=True)):
            lead = len(array.shape) - len(memory.axes)
            if array.shape != memory.axes and (lead <= 0 or array.shape != (1,) * lead + memory.axes):
                raise CaffeFormatError(
                    f"{state_file}: history {i} has shape {array.shape}; the net's parameter has {memory.axes}"
                )

    # Checks.

    def _check_root(self, what: str) -> None:
        if not parallel.is_root_solver():
            raise CaffeError(f"{what} needs the solver of rank 0; this one has rank {parallel.solver_rank()}")


class SGDSolver(Solver):
    """Stochastic gradient descent with momentum."""

    type = "SGD"


class NesterovSolver(SGDSolver):
    """Nesterov's accelerated gradient."""

    type = "Nesterov"


class AdaGradSolver(SGDSolver):
    """AdaGrad (Duchi et al. 2011); without momentum."""

    type = "AdaGrad"


class RMSPropSolver(SGDSolver):
    """RMSProp (Tieleman and Hinton 2012); without momentum."""

    type = "RMSProp"


class AdaDeltaSolver(SGDSolver):
    """AdaDelta (Zeiler 2012)."""

    type = "AdaDelta"


class AdamSolver(SGDSolver):
    """Adam (Kingma and Ba 2015)."""

    type = "Adam"


_SOLVERS = (SGDSolver, NesterovSolver, AdaGradSolver, RMSPropSolver, AdaDeltaSolver, AdamSolver)


def get_solver(param: StrPath | pb.SolverParameter, *, source: str = "the solver") -> Solver:
    """Return the solver of the definition's `type`; arguments as for `Solver`."""
    definition, source = _definition(param, source)
    kinds = {cls.type: cls for cls in _SOLVERS}
    if definition.type not in kinds:
        raise CaffeFormatError(
            f"{source}: unknown solver type '{definition.type}'; known ones: {closest(definition.type, kinds)}"
        )
    return kinds[definition.type](definition, source=source)


def _definition(param: StrPath | pb.SolverParameter, source: str) -> tuple[pb.SolverParameter, str]:
    """Return the definition upgraded to the current format, and its name in errors."""
    if isinstance(param, pb.SolverParameter):
        return upgrade_solver(param, source), source
    return read_solver(param), os.fspath(param)
