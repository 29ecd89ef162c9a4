"""`dgnam caffe time`: forward and backward time of each layer of a net."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Annotated

import torch
import typer

from ...errors import CaffeError
from .. import mode
from ..glog import LOGGER, number
from ..net import Net
from ..proto import pb
from .flags import Gpu, Iterations, Level, Model, Phase, Stage, required, stages
from .gpus import gpu_numbers, use


def benchmark(
    model: Model = "",
    iterations: Iterations = 50,
    phase: Phase = "",
    gpu: Gpu = "",
    level: Level = 0,
    stage: Stage = "",
    weights: Annotated[str, typer.Option(help="Not used: the net's fillers give the weights.")] = "",
) -> None:
    """Time a model: milliseconds for each layer and for the whole net."""
    required(model, "model", "the prototxt of the net")
    if phase not in ("", "TRAIN", "TEST"):
        raise CaffeError(f"--phase '{phase}': use TRAIN or TEST")
    use(gpu_numbers(gpu))
    net = Net(model, pb.TEST if phase == "TEST" else pb.TRAIN, level=level, stages=stages(stage))
    last = len(net.layers) - 1
    LOGGER.info("Performing Forward")
    LOGGER.info("Initial loss: %s", number(net._forward(0, last)))
    LOGGER.info("Performing Backward")
    net._backward(last, 0)
    LOGGER.info("*** Benchmark begins ***")
    LOGGER.info("Testing for %d iterations.", iterations)
    forward = _Clock(len(net.layers), net.before_forward, net.after_forward)
    backward = _Clock(len(net.layers), net.before_backward, net.after_backward)
    start = _now()
    for i in range(iterations):
        began = _now()
        forward.whole(lambda: net._forward(0, last))
        backward.whole(lambda: net._backward(last, 0))
        LOGGER.info("Iteration: %d forward-backward time: %s ms.", i + 1, number(_now() - began))
    total = _now() - start
    LOGGER.info("Average time per layer: ")
    for layer, there, back in zip(net.bound_layers, forward.layers, backward.layers, strict=True):
        LOGGER.info("%10s\tforward: %s ms.", layer.name, number(there / iterations))
        LOGGER.info("%10s\tbackward: %s ms.", layer.name, number(back / iterations))
    LOGGER.info("Average Forward pass: %s ms.", number(forward.total / iterations))
    LOGGER.info("Average Backward pass: %s ms.", number(backward.total / iterations))
    LOGGER.info("Average Forward-Backward: %s ms.", number(total / iterations))
    LOGGER.info("Total Time: %s ms.", number(total))
    LOGGER.info("*** Benchmark ends ***")


class _Clock:
    """Accumulates the time of passes in one direction, in milliseconds, per layer and in total."""

    def __init__(self, layers: int, before: Callable[..., None], after: Callable[..., None]):
        self.layers = [0.0] * layers
        self.total = 0.0
        self._began = 0.0
        before(self._start)
        after(self._stop)

    def whole(self, run: Callable[[], object]) -> None:
        """Run a complete pass and add its time."""
        began = _now()
        run()
        self.total += _now() - began

    def _start(self, index: int) -> None:
        self._began = _now()

    def _stop(self, index: int) -> None:
        self.layers[index] += _now() - self._began


def _now() -> float:
    """Return the time in milliseconds, after pending GPU work."""
    if mode.current_device().type == "cuda":
        torch.cuda.synchronize()
    return perf_counter() * 1000
