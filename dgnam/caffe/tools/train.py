"""`dgnam caffe train`: train a net by a solver's prototxt."""

from __future__ import annotations

from typing import Annotated

import torch
import typer

from ...errors import CaffeError, DgnamError
from .. import mode
from ..glog import LOGGER
from ..proto import pb, read_solver
from ..solver import get_solver
from .flags import Gpu, Level, Phase, Stage, required, stages
from .gpus import gpu_numbers
from .signals import effect, obeyed

_ACTION = "stop, snapshot or none."


def train(
    solver: Annotated[str, typer.Option(help="The solver's prototxt.")] = "",
    snapshot: Annotated[str, typer.Option(help="The solverstate to resume from.")] = "",
    weights: Annotated[str, typer.Option(help="The weights to start from, files separated by commas.")] = "",
    gpu: Gpu = "",
    level: Level = 0,
    stage: Stage = "",
    sigint_effect: Annotated[str, typer.Option("--sigint_effect", help=f"On SIGINT: {_ACTION}")] = "stop",
    sighup_effect: Annotated[str, typer.Option("--sighup_effect", help=f"On SIGHUP: {_ACTION}")] = "snapshot",
    phase: Phase = "",
    iterations: Annotated[int, typer.Option(help="Not used: the solver's max_iter applies.")] = 50,
) -> None:
    """Train a net, or resume its training."""
    required(solver, "solver", "a solver's prototxt")
    if snapshot and weights:
        raise CaffeError("use --snapshot to resume training or --weights to start from weights, not both")
    param = read_solver(solver)
    param.train_state.level = level
    param.train_state.stage.extend(stages(stage))
    _use_gpu(gpu, param, solver)
    if snapshot or weights:
        del param.weights[:]
    if weights:
        param.weights.append(weights)
    sigint, sighup = effect(sigint_effect, "sigint_effect"), effect(sighup_effect, "sighup_effect")
    training = get_solver(param, source=solver)
    with obeyed(training, sigint, sighup):
        if snapshot:
            LOGGER.info("Resuming from %s", snapshot)
            training.restore(snapshot)
        LOGGER.info("Starting Optimization")
        training.solve()
    LOGGER.info("Optimization Done.")


def _use_gpu(text: str, param: pb.SolverParameter, source: str) -> None:
    """Select the device by --gpu or, by default, the solver's solver_mode; the CPU if neither is given."""
    asked = param.HasField("solver_mode") and param.solver_mode == pb.SolverParameter.GPU
    numbers = [param.device_id] if not text and asked else gpu_numbers(text)
    if len(numbers) > 1:
        raise CaffeError(f"--gpu {text}: training on more than one GPU is not available; use one number")
    if not numbers:
        LOGGER.info("Use CPU.")
        mode.set_mode_cpu()
        return
    try:
        mode.set_device(numbers[0])
    except DgnamError as error:
        hint = "" if text else f"; {source} requests a GPU; set 'solver_mode: CPU' in it to use the CPU"
        raise CaffeError(f"{error}{hint}") from None
    mode.set_mode_gpu()
    LOGGER.info("Using GPUs %d", numbers[0])
    LOGGER.info("GPU %d: %s", numbers[0], torch.cuda.get_device_name(numbers[0]))
