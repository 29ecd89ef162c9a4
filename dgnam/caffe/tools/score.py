"""`dgnam caffe test`: score a model on its net's data."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer

from ..glog import LOGGER, number
from ..net import Net
from ..proto import pb
from ..wiring.outputs import output_lines, output_values
from .flags import Gpu, Iterations, Level, Model, Phase, Stage, required, stages
from .gpus import gpu_numbers, use


def score(
    model: Model = "",
    weights: Annotated[str, typer.Option(help="The weights: a caffemodel, an HDF5 file or a torch state dict.")] = "",
    iterations: Iterations = 50,
    gpu: Gpu = "",
    level: Level = 0,
    stage: Stage = "",
    phase: Phase = "",
) -> None:
    """Score a model: each batch's outputs, and their averages."""
    required(model, "model", "the prototxt of the net")
    required(weights, "weights", "the weights")
    use(gpu_numbers(gpu))
    net = Net(model, pb.TEST, level=level, stages=stages(stage), weights=weights)
    LOGGER.info("Running for %d iterations.", iterations)
    loss, scores = 0.0, np.zeros(0, np.float32)
    names = [name for name in net.outputs for _ in range(net.blobs[name].count)]
    for i in range(iterations):
        loss += net._forward(0, len(net.layers) - 1)
        values = output_values(net)
        for name, value in zip(names, values, strict=True):
            LOGGER.info("Batch %d, %s = %s", i, name, number(value))
        scores = values if i == 0 else scores + values
    LOGGER.info("Loss: %s", number(loss / iterations))
    for line in output_lines(net, scores / np.float32(iterations)):
        LOGGER.info("%s", line)
