"""How long a sweep takes on how many GPUs: a model with few numbers, which `tests/bench/bench_cluster.py` measures."""

from __future__ import annotations

from dataclasses import dataclass

CAFFENET_UNITS = {
    "conv1": 96 * 55 * 55,
    "conv2": 256 * 27 * 27,
    "conv3": 384 * 13 * 13,
    "conv4": 384 * 13 * 13,
    "conv5": 256 * 13 * 13,
    "fc6": 4096,
    "fc7": 4096,
    "fc8": 1000,
}
"""All units of CaffeNet, 659,272."""


@dataclass(frozen=True)
class Cost:
    """What a sweep is made of.

    step_seconds: of a GPU, for one step of one image.
    efficiency: the share of a worker's time in which it makes chunks, between its first and its last.
    entering_seconds: of the driver's processor, which enters one chunk after the other into the run's folder, for each.
    start_seconds: until the workers have opened their nets.
    batch_size: images of a chunk.
    """

    step_seconds: float
    efficiency: float
    entering_seconds: float
    start_seconds: float
    batch_size: int = 100

    def seconds(self, units: int, gpus: int, steps: int = 200) -> float:
        """How long the sweep takes: its steps shared by the GPUs, or the driver's work where that takes longer."""
        climbing = units * steps * self.step_seconds / (gpus * self.efficiency)
        entering = -(-units // self.batch_size) * self.entering_seconds
        return self.start_seconds + max(climbing, entering)

    def gpu_hours(self, units: int, gpus: int, steps: int = 200) -> float:
        """The GPUs' time that is paid for, in hours."""
        return gpus * self.seconds(units, gpus, steps) / 3600
